/* Bytes of UTF-8 many at a time: by SSE2, which every x86-64 has, else one by one. */
#include <stdint.h>

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

/* Widen 16 bytes; a bit for each that is not ASCII. */
static inline uint32_t widen_16_uint8_t(const uint8_t *p, uint8_t *out) {
    __m128i v = _mm_loadu_si128((const __m128i *)p);
    _mm_storeu_si128((__m128i *)out, v);
    return mask_16(v);
}

static inline uint32_t widen_16_uint16_t(const uint8_t *p, uint16_t *out) {
    __m128i v = _mm_loadu_si128((const __m128i *)p), zero = _mm_setzero_si128();
    _mm_storeu_si128((__m128i *)out, _mm_unpacklo_epi8(v, zero));
    _mm_storeu_si128((__m128i *)(out + 8), _mm_unpackhi_epi8(v, zero));
    return mask_16(v);
}

static inline uint32_t widen_16_uint32_t(const uint8_t *p, uint32_t *out) {
    __m128i v = _mm_loadu_si128((const __m128i *)p), zero = _mm_setzero_si128();
    __m128i low = _mm_unpacklo_epi8(v, zero), high = _mm_unpackhi_epi8(v, zero);
    _mm_storeu_si128((__m128i *)out, _mm_unpacklo_epi16(low, zero));
    _mm_storeu_si128((__m128i *)(out + 4), _mm_unpackhi_epi16(low, zero));
    _mm_storeu_si128((__m128i *)(out + 8), _mm_unpacklo_epi16(high, zero));
    _mm_storeu_si128((__m128i *)(out + 12), _mm_unpackhi_epi16(high, zero));
    return mask_16(v);
}

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

#define WIDEN_16(unit) \
    static inline uint32_t widen_16_##unit(const uint8_t *p, unit *out) { \
        uint32_t found = 0; \
        for (int i = 0; i < 16; i++) { out[i] = p[i]; found |= (uint32_t)(p[i] >> 7) << i; } \
        return found; \
    }
WIDEN_16(uint8_t)
WIDEN_16(uint16_t)
WIDEN_16(uint32_t)

#endif

#if defined(_MSC_VER)
#include <intrin.h>
static __inline int lowest_bit(uint64_t bits) {
    unsigned long at;
    _BitScanForward64(&at, bits);
    return (int)at;
}
#else
#define lowest_bit(bits) __builtin_ctzll(bits)
#endif
