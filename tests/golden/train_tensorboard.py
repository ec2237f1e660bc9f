"""Shows a run folder's events as TensorBoard itself reads them (tensorboard 2.21.0): python train_tensorboard.py FOLDER"""
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

a = EventAccumulator(sys.argv[1])
a.Reload()
for tag in a.Tags()["scalars"]:
    print(tag, [(e.step, e.value) for e in a.Scalars(tag)])
for tag in a.Tags()["images"]:
    print(tag, [(e.step, e.width, e.height, e.encoded_image_string[1:4]) for e in a.Images(tag)])
