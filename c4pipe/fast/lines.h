/* Where lines may end, words begin and phrases be, in 64 bytes of UTF-8 at a time: by SSE2, which every x86-64 has,
   else one by one. */
#include "vectors.h"

/* Two bytes, each 16 times over, with 0x20 set. */
typedef struct {
    uint8_t first[16], second[16];
} BytePair;

#if defined(__SSE2__) || defined(_M_X64)

#define LOAD(p) _mm_loadu_si128((const __m128i *)(p))
#define IS(v, c) _mm_cmpeq_epi8(v, _mm_set1_epi8((char)(c)))
#define IS_UP_TO(v, c) _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8((char)(c))), v)
#define IS_BETWEEN(v, first, last) IS_UP_TO(_mm_sub_epi8(v, _mm_set1_epi8((char)(first))), (last) - (first))

static inline uint64_t is_control_16(const uint8_t *p) { return mask_16(IS_UP_TO(LOAD(p), 31)); }

/* Where U+0085, U+2028 or U+2029 begins; reads 18 bytes. */
static inline uint64_t wide_ends_16(const uint8_t *p) {
    __m128i v = LOAD(p), second = LOAD(p + 1), third = LOAD(p + 2);
    __m128i next = _mm_and_si128(IS(v, 0xC2), IS(second, 0x85));
    __m128i separator = _mm_and_si128(_mm_and_si128(IS(v, 0xE2), IS(second, 0x80)), IS_BETWEEN(third, 0xA8, 0xA9));
    return mask_16(_mm_or_si128(next, separator));
}

/* A bit for each of 64 bytes at which a line may end: all below space, and where a wide end begins; reads 66 bytes. */
static inline uint64_t possible_ends_64(const uint8_t *p) {
    uint64_t bits = is_control_16(p) | is_control_16(p + 16) << 16;
    bits |= is_control_16(p + 32) << 32 | is_control_16(p + 48) << 48;
    if (mask_16(_mm_or_si128(_mm_or_si128(LOAD(p), LOAD(p + 16)), _mm_or_si128(LOAD(p + 32), LOAD(p + 48)))))
        bits |= wide_ends_16(p) | wide_ends_16(p + 16) << 16 | wide_ends_16(p + 32) << 32 | wide_ends_16(p + 48) << 48;
    return bits;
}

static inline uint64_t is_blank_16(const uint8_t *p) {
    __m128i v = LOAD(p);
    return mask_16(_mm_or_si128(IS(v, ' '), _mm_or_si128(IS_BETWEEN(v, 9, 13), IS_BETWEEN(v, 28, 31))));
}

static inline uint64_t is_wide_16(const uint8_t *p) { return mask_16(LOAD(p)); }

/* A bit for each of 64 bytes at which surely a word begins: ASCII, no blank, the first or behind an ASCII blank. */
static inline uint64_t words_64(const uint8_t *p) {
    uint64_t blank = is_blank_16(p) | is_blank_16(p + 16) << 16 | is_blank_16(p + 32) << 32 | is_blank_16(p + 48) << 48;
    uint64_t wide = is_wide_16(p) | is_wide_16(p + 16) << 16 | is_wide_16(p + 32) << 32 | is_wide_16(p + 48) << 48;
    return ~(blank | wide) & (blank << 1 | 1);
}

/* A bit for each of 64 bytes that is one of these pairs with the byte behind it, 0x20 set in both, and whether all are
   ASCII; reads 65 bytes. */
static inline uint64_t pairs_64(const uint8_t *p, const BytePair *pairs, int count, int *ascii) {
    __m128i bytes[4], behind[4], found[4];
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++) {
        bytes[i] = _mm_or_si128(LOAD(p + 16 * i), _mm_set1_epi8(0x20));
        behind[i] = _mm_or_si128(LOAD(p + 16 * i + 1), _mm_set1_epi8(0x20));
        found[i] = _mm_setzero_si128();
    }
    for (const BytePair *pair = pairs; pair < pairs + count; pair++)
        for (int i = 0; i < 4; i++)
            found[i] = _mm_or_si128(found[i], _mm_and_si128(
                _mm_cmpeq_epi8(bytes[i], LOAD(pair->first)), _mm_cmpeq_epi8(behind[i], LOAD(pair->second))));
    for (int i = 0; i < 4; i++) bits |= (uint64_t)mask_16(found[i]) << 16 * i;
    *ascii &= !mask_16(_mm_or_si128(_mm_or_si128(bytes[0], bytes[1]), _mm_or_si128(bytes[2], bytes[3])));
    return bits;
}

#else

static inline uint64_t possible_ends_64(const uint8_t *p) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) {
        int wide = (p[i] == 0xC2 && p[i + 1] == 0x85) || (p[i] == 0xE2 && p[i + 1] == 0x80 && (p[i + 2] | 1) == 0xA9);
        bits |= (uint64_t)(p[i] < 32 || wide) << i;
    }
    return bits;
}

static inline uint64_t words_64(const uint8_t *p) {
    uint64_t bits = 0;
    int blank = 1;
    for (int i = 0; i < 64; i++) {
        int behind_blank = blank;
        blank = p[i] == 32 || p[i] - 9u < 5 || p[i] - 28u < 4;
        bits |= (uint64_t)(behind_blank && !blank && p[i] < 0x80) << i;
    }
    return bits;
}

static inline uint64_t pairs_64(const uint8_t *p, const BytePair *pairs, int count, int *ascii) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) *ascii &= p[i] < 0x80;
    for (const BytePair *pair = pairs; pair < pairs + count; pair++)
        for (int i = 0; i < 64; i++)
            bits |= (uint64_t)((p[i] | 0x20) == pair->first[0] && (p[i + 1] | 0x20) == pair->second[0]) << i;
    return bits;
}

#endif
