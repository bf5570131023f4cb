/* What the processor can do beyond what every x86-64 can; asked of it, as not every compiler's library knows. */
#ifndef C4PIPE_PROCESSOR_H
#define C4PIPE_PROCESSOR_H

/* The system keeps the wide registers. HAS_PCLMUL is with SSE4.1, HAS_BITS is BMI, BMI2, LZCNT and POPCNT. Of AVX-512
   there is the foundation (AVX512F), and with it what handles bytes (BW, VL), moves them about (VBMI, VBMI2) or
   multiplies without carry (VPCLMULQDQ). */
enum {
    HAS_AVX2 = 1,
    HAS_BITS = 2,
    HAS_PCLMUL = 4,
    HAS_AVX512 = 8,
    HAS_AVX512_BYTES = 16,
    HAS_AVX512_SHUFFLES = 32,
    HAS_AVX512_PCLMUL = 64
};

#if defined(__GNUC__) && defined(__x86_64__)
#include <cpuid.h>

static int processor_asked(void) {
    unsigned a, b, c, d, basic = 0, more = 0, low, high;
    int found = 0;
    if (!__get_cpuid(1, &a, &b, &basic, &d)) return 0;
    if (basic & bit_PCLMUL && basic & bit_SSE4_1) found |= HAS_PCLMUL;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
    (void)__get_cpuid(0x80000001, &a, &low, &more, &d);
    if (b & bit_BMI && b & bit_BMI2 && more & bit_LZCNT && basic & bit_POPCNT) found |= HAS_BITS;
    if (!(basic & bit_OSXSAVE)) return found;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6 || !(b & bit_AVX2)) return found;
    found |= HAS_AVX2;
    if ((low & 0xE0) != 0xE0 || !(b & bit_AVX512F)) return found;
    found |= HAS_AVX512;
    if (b & bit_AVX512BW && b & bit_AVX512VL) found |= HAS_AVX512_BYTES;
    if (c & bit_AVX512VBMI && c & bit_AVX512VBMI2) found |= HAS_AVX512_SHUFFLES;
    if (c & bit_VPCLMULQDQ && found & HAS_PCLMUL) found |= HAS_AVX512_PCLMUL;
    return found;
}
#else
static int processor_asked(void) { return 0; }
#endif

/* Whether it has all of these. Asked once: on a virtual machine that takes longer than what it decides. */
static inline int processor_has(int what) {
    static int found = -1;
    if (found < 0) found = processor_asked();
    return (found & what) == what;
}

#endif
