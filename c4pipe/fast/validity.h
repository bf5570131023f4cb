/* Whether bytes are UTF-8 (RFC 3629): a character after the other, or 32 bytes a step where the processor has AVX2. */
#ifndef C4PIPE_VALIDITY_H
#define C4PIPE_VALIDITY_H

#include <stddef.h>
#include <stdint.h>

#include "processor.h"
#include "vectors.h"

#define CONTINUES(byte) (((byte) & 0xC0) == 0x80)

static int utf8_valid_anywhere(const uint8_t *p, const uint8_t *end) {
    uint32_t c;
    while (p < end) {
        if (end - p >= 16) {
            uint32_t others = high_bits_16(p);
            if (!others) { p += 16; continue; }
            p += lowest_bit(others);
        }
        if (p[0] < 0x80) { p++; continue; }
        do { /* as long as one such character follows another */
            if (p[0] < 0xE0) {
                if (p[0] < 0xC2 || end - p < 2 || !CONTINUES(p[1])) return 0;
                p += 2;
            } else if (p[0] < 0xF0) {
                if (end - p < 3 || !CONTINUES(p[1]) || !CONTINUES(p[2])) return 0;
                c = (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
                if (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF)) return 0;
                p += 3;
            } else {
                if (p[0] > 0xF4 || end - p < 4 || !CONTINUES(p[1]) || !CONTINUES(p[2]) || !CONTINUES(p[3])) return 0;
                c = (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
                if (c < 0x10000 || c > 0x10FFFF) return 0;
                p += 4;
            }
        } while (p < end && p[0] >= 0x80);
    }
    return 1;
}

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#define VALIDITY_TARGET __attribute__((target("avx2")))

/* What can be wrong with two bytes that follow each other, a bit each (J. Keiser, D. Lemire, Validating UTF-8 In Less
   Than One Instruction Per Byte, 2021): tables for the first byte's halves and the second's upper one say what each
   would allow, and what all three allow is wrong. Two continuations are, unless a third or fourth byte must be here. */
enum {
    TOO_SHORT = 1 << 0,        /* a first byte before one that does not continue it */
    TOO_LONG = 1 << 1,         /* ASCII before one that continues */
    OVER_3 = 1 << 2,       /* E0 before what would fit into two bytes */
    LARGE = 1 << 3,        /* F4 before what is above 10FFFF by the second byte's higher values, F5 and up */
    SURROGATE = 1 << 4,    /* ED before one of them */
    OVER_2 = 1 << 5,       /* C0, C1 */
    LARGE_80 = 1 << 6,     /* F5 and up before 80 to 8F */
    OVER_4 = 1 << 6,       /* F0 before what would fit into three bytes, which is 80 to 8F, too */
    BOTH_CONTINUE = 1 << 7,
    ANY_LOW = TOO_SHORT | TOO_LONG | BOTH_CONTINUE /* whatever the lower half is */
};

VALIDITY_TARGET static inline __m256i validity_table(const uint8_t table[16]) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
}

VALIDITY_TARGET static int utf8_valid_by_avx2(const uint8_t *p, const uint8_t *end) {
    enum { OVER = OVER_2 | OVER_3 | OVER_4, HIGH = ANY_LOW | LARGE | LARGE_80 };
    static const uint8_t first_upper[16] = {
        TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
        BOTH_CONTINUE, BOTH_CONTINUE, BOTH_CONTINUE, BOTH_CONTINUE,
        TOO_SHORT | OVER_2, TOO_SHORT, TOO_SHORT | OVER_3 | SURROGATE, TOO_SHORT | LARGE | LARGE_80 | OVER_4,
    };
    static const uint8_t first_lower[16] = {
        ANY_LOW | OVER, ANY_LOW | OVER_2, ANY_LOW, ANY_LOW, ANY_LOW | LARGE, HIGH, HIGH, HIGH,
        HIGH, HIGH, HIGH, HIGH, HIGH, HIGH | SURROGATE, HIGH, HIGH,
    };
    static const uint8_t second_upper[16] = {
        TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        TOO_LONG | BOTH_CONTINUE | OVER | LARGE_80, TOO_LONG | BOTH_CONTINUE | OVER_2 | OVER_3 | LARGE,
        TOO_LONG | BOTH_CONTINUE | OVER_2 | SURROGATE | LARGE, TOO_LONG | BOTH_CONTINUE | OVER_2 | SURROGATE | LARGE,
        TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    };
    const __m256i of_upper = validity_table(first_upper), of_lower = validity_table(first_lower);
    const __m256i of_second = validity_table(second_upper);
    const __m256i half = _mm256_set1_epi8(0x0F), top = _mm256_set1_epi8((char)0x80);
    const __m256i third = _mm256_set1_epi8(0xE0 - 0x80), fourth = _mm256_set1_epi8(0xF0 - 0x80);
    __m256i before = _mm256_setzero_si256(), wrong = _mm256_setzero_si256(), here, behind, first, pairs, must;
    const uint8_t *begin = p;
    int ascii = 1, was_ascii, back;
    for (; end - p >= 32; p += 32, before = here) {
        here = _mm256_loadu_si256((const __m256i *)p);
        was_ascii = ascii;
        ascii = !_mm256_movemask_epi8(here);
        if (ascii && was_ascii) continue;
        behind = _mm256_permute2x128_si256(before, here, 0x21);
        first = _mm256_alignr_epi8(here, behind, 15);
        pairs = _mm256_and_si256(
            _mm256_and_si256(
                _mm256_shuffle_epi8(of_upper, _mm256_and_si256(_mm256_srli_epi16(first, 4), half)),
                _mm256_shuffle_epi8(of_lower, _mm256_and_si256(first, half))),
            _mm256_shuffle_epi8(of_second, _mm256_and_si256(_mm256_srli_epi16(here, 4), half)));
        must = _mm256_or_si256( /* 80 and up where a third or a fourth byte must be */
            _mm256_subs_epu8(_mm256_alignr_epi8(here, behind, 14), third),
            _mm256_subs_epu8(_mm256_alignr_epi8(here, behind, 13), fourth));
        wrong = _mm256_or_si256(wrong, _mm256_xor_si256(_mm256_and_si256(must, top), pairs));
    }
    if (!_mm256_testz_si256(wrong, wrong)) return 0;
    for (back = 1; back <= 3 && p - begin >= back; back++) /* the last character may go on behind the last step */
        if (p[-back] >= 0xC0) return utf8_valid_anywhere(p - back, end);
    return utf8_valid_anywhere(p, end);
}
#undef VALIDITY_TARGET
#else
#define utf8_valid_by_avx2 utf8_valid_anywhere
#endif

static inline int utf8_valid(const uint8_t *p, const uint8_t *end) {
    return processor_has(HAS_AVX2) ? utf8_valid_by_avx2(p, end) : utf8_valid_anywhere(p, end);
}

#endif
