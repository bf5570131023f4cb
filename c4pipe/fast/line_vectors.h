/* What lines of UTF-8 are looked at with, 64 bytes at a time: by AVX-512 or AVX2 where the machine has enough of it, by
   SSE2, which every x86-64 has, else one by one. */
#ifndef C4PIPE_LINE_VECTORS_H
#define C4PIPE_LINE_VECTORS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "processor.h"
#include "vectors.h"

/* How many bytes a vector has here, 64, 32 or fewer, where it may have at most so many. */
static inline int line_lanes(int at_most) {
    if (at_most >= 64 && processor_has(HAS_AVX512_BYTES | HAS_AVX512_SHUFFLES | HAS_BITS)) return 64;
    return at_most >= 32 && processor_has(HAS_AVX2 | HAS_BITS) ? 32 : 16;
}

#if defined(__SSE2__) || defined(_M_X64)

#define LOAD(p) _mm_loadu_si128((const __m128i *)(p))
#define IS(v, c) _mm_cmpeq_epi8(v, _mm_set1_epi8((char)(c)))
#define IS_UP_TO(v, c) _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8((char)(c))), v)
#define IS_BETWEEN(v, first, last) IS_UP_TO(_mm_sub_epi8(v, _mm_set1_epi8((char)(first))), (last) - (first))

#endif

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>

#define LINES_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))

#define LOAD_32(p) _mm256_loadu_si256((const __m256i *)(p))
#define LOAD_TWICE(p) _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(p)))
#define IS_32(v, c) _mm256_cmpeq_epi8(v, _mm256_set1_epi8((char)(c)))
#define IS_UP_TO_32(v, c) _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8((char)(c))), v)
#define IS_BETWEEN_32(v, first, last) \
    IS_UP_TO_32(_mm256_sub_epi8(v, _mm256_set1_epi8((char)(first))), (last) - (first))

LINES_AVX2
static inline uint64_t mask_32(__m256i bytes) { return (uint32_t)_mm256_movemask_epi8(bytes); }

#define LINES_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,bmi,bmi2,lzcnt,popcnt")))

/* The first of 64 bytes that are there, if so many are left. */
LINES_AVX512
static inline __mmask64 line_mask(ptrdiff_t left) { return left < 64 ? _bzhi_u64(~0ull, left < 0 ? 0 : left) : ~0ull; }

/* 64 bytes, and the same from the next one and from the one behind it on. */
typedef struct {
    __m512i first, second, third;
} LineBytes;

LINES_AVX512
static inline LineBytes line_bytes(const uint8_t *p) {
    LineBytes bytes = {_mm512_loadu_si512(p), _mm512_loadu_si512(p + 1), _mm512_loadu_si512(p + 2)};
    return bytes;
}

/* The same where fewer may be left; spaces follow the last. */
LINES_AVX512
static inline LineBytes line_last_bytes(const uint8_t *p, ptrdiff_t left) {
    __m512i spaces = _mm512_set1_epi8(' ');
    LineBytes bytes = {_mm512_mask_loadu_epi8(spaces, line_mask(left), p),
                       _mm512_mask_loadu_epi8(spaces, line_mask(left - 1), p + 1),
                       _mm512_mask_loadu_epi8(spaces, line_mask(left - 2), p + 2)};
    return bytes;
}

#define LINE_IS(v, c) _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)(c)))
#define LINE_IS_IF(k, v, c) _mm512_mask_cmpeq_epi8_mask(k, v, _mm512_set1_epi8((char)(c)))
#define LINE_IS_BETWEEN(v, first, last) \
    _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8((char)(first))), _mm512_set1_epi8((last) - (first)))

#endif

#endif
