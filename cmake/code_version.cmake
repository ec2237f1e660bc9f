# The code version, refreshed at every build.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
add_custom_target(lac_version
  COMMAND ${CMAKE_COMMAND} -DOUT=${CMAKE_BINARY_DIR}/generated/lac_version.h -DSOURCE=${CMAKE_SOURCE_DIR}
          -DVERSION=${PROJECT_VERSION} -P ${CMAKE_SOURCE_DIR}/cmake/version.cmake
  BYPRODUCTS ${CMAKE_BINARY_DIR}/generated/lac_version.h)
