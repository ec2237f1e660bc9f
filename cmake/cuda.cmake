# The CUDA backend: one shared object, loaded by the program when a device "cuda" is asked for. It takes status, tensors, files and the
# rest of core from the program that loads it; cuBLASLt and cuDNN are opened when it starts (core/cuda/library.h).
if(LAC_CUDA STREQUAL "AUTO" AND (LAC_SANITIZE OR LAC_FUZZ))
  return()                              # the sanitizers do not go into device code
endif()
if(NOT LAC_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES OFF)   # each target says its own
  endif()
  find_program(LAC_NVCC nvcc HINTS ENV CUDA_HOME PATHS /usr/local/cuda/bin PATH_SUFFIXES bin)
  if(LAC_NVCC AND NOT CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_COMPILER ${LAC_NVCC})
  endif()
  check_language(CUDA)
endif()
if(LAC_CUDA STREQUAL "OFF" OR NOT CMAKE_CUDA_COMPILER)
  if(LAC_CUDA STREQUAL "ON")
    message(FATAL_ERROR "LAC_CUDA=ON, but there is no nvcc (in PATH, $CUDA_HOME/bin or /usr/local/cuda/bin)")
  endif()
  return()
endif()

enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
find_path(CUDNN_INCLUDE cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
if(NOT CUDNN_INCLUDE)
  if(LAC_CUDA STREQUAL "ON")
    message(FATAL_ERROR "LAC_CUDA=ON, but cuDNN's headers are not there (cudnn.h)")
  endif()
  message(STATUS "no CUDA backend: cuDNN's headers are not there")
  return()
endif()

file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS core/cuda/*.c core/cuda/*.cu autograd/ops/*/cuda.cu)
get_filename_component(cuda_libraries ${CUDA_cudart_static_LIBRARY} DIRECTORY)
string(REPLACE ";" ", " cuda_architectures "${LAC_CUDA_ARCHITECTURES}")
add_library(lac_cuda OBJECT ${cuda_sources} autograd/ops/backend_cuda.c)
add_dependencies(lac_cuda lac_version)
target_include_directories(lac_cuda PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated ${CUDAToolkit_INCLUDE_DIRS} ${CUDNN_INCLUDE})
target_compile_definitions(lac_cuda PRIVATE _GNU_SOURCE LAC_CUDA_LIBRARIES="${cuda_libraries}" LAC_CUDA_ARCHITECTURES="${cuda_architectures}")
target_compile_options(lac_cuda PRIVATE
  $<$<COMPILE_LANGUAGE:C>:-Wall;-Wextra;-Wno-missing-field-initializers;-ffp-contract=off>
  $<$<COMPILE_LANGUAGE:CUDA>:-O3;--compress-mode=size;-fmad=false;--expt-relaxed-constexpr;-Xcompiler=-Wall,-Wno-unknown-pragmas,-ffp-contract=off,-fno-exceptions,-fno-threadsafe-statics>)
if(LAC_WERROR)
  target_compile_options(lac_cuda PRIVATE $<$<COMPILE_LANGUAGE:C>:-Werror> $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings;-Xcompiler=-Werror>)
endif()
set_target_properties(lac_cuda PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden CUDA_VISIBILITY_PRESET hidden
  CUDA_STANDARD 17 CUDA_EXTENSIONS OFF CUDA_ARCHITECTURES "${LAC_CUDA_ARCHITECTURES}")

add_library(lacuna-cuda SHARED $<TARGET_OBJECTS:lac_cuda>)
set_target_properties(lacuna-cuda PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} LINKER_LANGUAGE CUDA CUDA_RUNTIME_LIBRARY None)
target_link_libraries(lacuna-cuda PRIVATE CUDA::cudart_static Threads::Threads ${CMAKE_DL_LIBS} rt)
target_link_options(lacuna-cuda PRIVATE -Wl,--exclude-libs,ALL -Wl,--as-needed)
add_dependencies(lacuna lacuna-cuda)    # one build, one revision: the program refuses another's
install(TARGETS lacuna-cuda LIBRARY DESTINATION lib/lacuna)
