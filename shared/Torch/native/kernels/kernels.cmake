# The kernels' arithmetic is compiled once for each instruction set; dispatch.cpp chooses when the library is loaded.
set(kernels "${CMAKE_CURRENT_SOURCE_DIR}/kernels")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(avx2 -march=x86-64-v3)
  set(avx512 -march=x86-64-v4 -mprefer-vector-width=512)
endif()
# No errno and no floating-point traps: both only keep loops from being vectorised, and change no result.
set_source_files_properties("${kernels}/isa_baseline.cpp" PROPERTIES COMPILE_OPTIONS "-fno-math-errno;-fno-trapping-math")
set_source_files_properties("${kernels}/isa_avx2.cpp" PROPERTIES COMPILE_OPTIONS "-fno-math-errno;-fno-trapping-math;${avx2}")
set_source_files_properties("${kernels}/isa_avx512.cpp" PROPERTIES COMPILE_OPTIONS "-fno-math-errno;-fno-trapping-math;${avx512}")
