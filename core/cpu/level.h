/* core/cpu/level.h -- one source, compiled once per instruction set (base, x86-64-v3, x86-64-v4).
 *
 * A kernel's name is written LAC_CPU(gate_forward) where it is defined and becomes gate_forward_v4 and so on. Files named cpu.c or
 * cpu_*.c are compiled this way; they hold kernels and nothing else. Which level runs is decided once, from the CPU. */
#pragma once

#include "core/cpu/features.h"

#define LAC_PASTE_(a, b) a##_##b
#define LAC_PASTE(a, b) LAC_PASTE_(a, b)
#ifdef LAC_LEVEL
#define LAC_CPU(name) LAC_PASTE(name, LAC_LEVEL)
#endif
