/* What the processor can do beyond what every x86-64 can; asked of it, as not every compiler's library knows. */
#ifndef C4PIPE_PROCESSOR_H
#define C4PIPE_PROCESSOR_H

/* The system keeps the wide registers; with PCLMUL SSE4.1, too; of AVX-512 its foundation (AVX512F), and with the wide
   PCLMUL that as well. */
enum { HAS_AVX2 = 1, HAS_BMI2 = 2, HAS_PCLMUL = 4, HAS_AVX512 = 8, HAS_WIDE_PCLMUL = 16 };

#if defined(__GNUC__) && defined(__x86_64__)
#include <cpuid.h>

static int processor_asked(void) {
    unsigned a, b, c, d, low, high;
    int found = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    if (c & bit_PCLMUL && c & bit_SSE4_1) found |= HAS_PCLMUL;
    if (c & bit_OSXSAVE) {
        __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        if ((low & 6) == 6 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_AVX2) {
            found |= HAS_AVX2;
            if ((low & 0xE0) == 0xE0 && b & bit_AVX512F) {
                found |= HAS_AVX512;
                if (c & bit_VPCLMULQDQ && found & HAS_PCLMUL) found |= HAS_WIDE_PCLMUL;
            }
        }
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_BMI2) found |= HAS_BMI2;
    return found;
}
#else
static int processor_asked(void) { return 0; }
#endif

/* Asked once: on a virtual machine that takes longer than what it decides. */
static inline int processor_has(int what) {
    static int found = -1;
    if (found < 0) found = processor_asked();
    return found & what;
}

#endif
