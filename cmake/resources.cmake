# What the program reads beside its configs: installed as it lies in the source tree, and found from the executable (core/resource.c).
file(RELATIVE_PATH way_from_build "${CMAKE_BINARY_DIR}" "${CMAKE_SOURCE_DIR}")
file(RELATIVE_PATH way_from_bin "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_DATADIR}/lacuna")
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/lac_resources.h" CONTENT
  "#define LAC_WAY_FROM_BUILD \"${way_from_build}\"\n#define LAC_WAY_FROM_BIN \"${way_from_bin}\"\n")
install(DIRECTORY configs-lua weights DESTINATION ${CMAKE_INSTALL_DATADIR}/lacuna)
install(DIRECTORY data/masks data/stamps DESTINATION ${CMAKE_INSTALL_DATADIR}/lacuna/data)
install(PROGRAMS scripts/fetch-stamps DESTINATION ${CMAKE_INSTALL_DATADIR}/lacuna/scripts)
