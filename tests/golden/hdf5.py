"""Wrote hdf5_h5py.h5: what another HDF5 writer makes of the kinds that core/file/hdf5.h reads, and of some it refuses.
h5py 3.16.0 with HDF5 2.0.0"""
import h5py, numpy as np
with h5py.File("hdf5_h5py.h5", "w", libver=("v110", "v110"), track_order=False) as f:
    g = f.create_group("group")
    g.create_dataset("x", data=(0.5 * np.arange(6, dtype="f4") - 1).reshape(2, 3), track_times=False)
    g.attrs["note"] = np.bytes_("by h5py")
    f.create_dataset("half", data=np.array([1, -2, 1 / 3], dtype="f2"), track_times=False)
    f.create_dataset("chunked", data=np.zeros((4, 4), "f4"), chunks=(2, 2), track_times=False)
    f.create_dataset("complex", data=np.zeros(2, "c8"), track_times=False)
    f["outside"] = h5py.ExternalLink("other.h5", "/x")
