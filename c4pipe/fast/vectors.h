/* Bytes of UTF-8 many at a time: by SSE2, which every x86-64 has, else one by one. */
#ifndef C4PIPE_VECTORS_H
#define C4PIPE_VECTORS_H

#include <stdint.h>

#if defined(_MSC_VER)
#include <intrin.h>
static __inline int lowest_bit(uint64_t bits) {
    unsigned long at;
    _BitScanForward64(&at, bits);
    return (int)at;
}
static __inline int last_bit(uint64_t bits) {
    unsigned long at;
    _BitScanReverse64(&at, bits);
    return (int)at;
}
#else
#define lowest_bit(bits) __builtin_ctzll(bits)
#define last_bit(bits) (63 - __builtin_clzll(bits))
#endif

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>

static inline uint32_t mask_16(__m128i bytes) { return (uint32_t)_mm_movemask_epi8(bytes); }

static inline uint64_t line_ends_16(const uint8_t *p) {
    __m128i v = _mm_loadu_si128((const __m128i *)p);
    return mask_16(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\r'))));
}

/* A bit for each of 64 bytes that is a line feed or a carriage return. */
static inline uint64_t line_ends_64(const uint8_t *p) {
    return line_ends_16(p) | line_ends_16(p + 16) << 16 | line_ends_16(p + 32) << 32 | line_ends_16(p + 48) << 48;
}

/* A bit for each of 16 bytes that is not ASCII. */
static inline uint32_t high_bits_16(const uint8_t *p) { return mask_16(_mm_loadu_si128((const __m128i *)p)); }

#else

static inline uint64_t line_ends_64(const uint8_t *p) {
    uint64_t found = 0;
    for (int i = 0; i < 64; i++) found |= (uint64_t)(p[i] == '\n' || p[i] == '\r') << i;
    return found;
}

static inline uint32_t high_bits_16(const uint8_t *p) {
    uint32_t found = 0;
    for (int i = 0; i < 16; i++) found |= (uint32_t)(p[i] >> 7) << i;
    return found;
}

#endif

#endif
