/* Valid UTF-8 as units of one width, a character each: what rooms that look at characters judge of a column. */
#ifndef C4PIPE_UTF8_H
#define C4PIPE_UTF8_H

#include <stddef.h>
#include <stdlib.h>

#include "vectors.h"

#if defined(__SSE2__) || defined(_M_X64)

/* Widen 16 bytes as if they were ASCII; a bit for each that is not. */
static inline uint32_t utf8_step_uint16_t(const uint8_t *p, uint16_t *out) {
    __m128i v = _mm_loadu_si128((const __m128i *)p), zero = _mm_setzero_si128();
    _mm_storeu_si128((__m128i *)out, _mm_unpacklo_epi8(v, zero));
    _mm_storeu_si128((__m128i *)(out + 8), _mm_unpackhi_epi8(v, zero));
    return (uint32_t)_mm_movemask_epi8(v);
}

static inline uint32_t utf8_step_uint32_t(const uint8_t *p, uint32_t *out) {
    __m128i v = _mm_loadu_si128((const __m128i *)p), zero = _mm_setzero_si128();
    __m128i low = _mm_unpacklo_epi8(v, zero), high = _mm_unpackhi_epi8(v, zero);
    _mm_storeu_si128((__m128i *)out, _mm_unpacklo_epi16(low, zero));
    _mm_storeu_si128((__m128i *)(out + 4), _mm_unpackhi_epi16(low, zero));
    _mm_storeu_si128((__m128i *)(out + 8), _mm_unpacklo_epi16(high, zero));
    _mm_storeu_si128((__m128i *)(out + 12), _mm_unpackhi_epi16(high, zero));
    return (uint32_t)_mm_movemask_epi8(v);
}

#else

#define UTF8_STEP(unit) \
    static inline uint32_t utf8_step_##unit(const uint8_t *p, unit *out) { \
        uint32_t others = 0; \
        for (int i = 0; i < 16; i++) { out[i] = p[i]; others |= (uint32_t)(p[i] >> 7) << i; } \
        return others; \
    }
UTF8_STEP(uint16_t)
UTF8_STEP(uint32_t)

#endif

/* Bytes of a unit that any character of the text fits into: 1 only if all are ASCII, and the bytes are the units. */
static inline int utf8_width(const uint8_t *p, ptrdiff_t size) {
    uint8_t most = 0;
    for (ptrdiff_t i = 0; i < size; i++) most = p[i] > most ? p[i] : most;
    return most < 0x80 ? 1 : most < 0xF0 ? 2 : 4;
}

/* Bytes of the character that begins here, and what it is. */
static inline int utf8_decode(const uint8_t *p, uint32_t *character) {
    uint32_t c = p[0];
    if (c < 0x80) { *character = c; return 1; }
    if (c < 0xE0) { *character = (c & 0x1F) << 6 | (p[1] & 0x3F); return 2; }
    c = (c & 0x0F) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3F);
    if (p[0] < 0xF0) { *character = c; return 3; }
    *character = (c & 0x7FFF) << 6 | (p[3] & 0x3F);
    return 4;
}

/* Where the character that ends here begins. */
static inline const uint8_t *utf8_before(const uint8_t *p) {
    do p--; while ((*p & 0xC0) == 0x80);
    return p;
}

/* Widen the text, or at least its first ``most`` characters, and say how many. ``out`` has room for ``size`` units, or
   for 16 more than ``most``. Runs of ASCII go 16 bytes a step; what is written behind them is written over. */
#define UTF8_WIDEN(unit) \
    static inline ptrdiff_t utf8_widen_##unit(const uint8_t *p, ptrdiff_t size, unit *out, ptrdiff_t most) { \
        ptrdiff_t i = 0, used = 0; \
        uint32_t character; \
        while (i < size && used < most) { \
            if (size - i >= 16) { \
                uint32_t others = utf8_step_##unit(p + i, out + used); \
                int ascii = others ? lowest_bit(others) : 16; \
                i += ascii; \
                used += ascii; \
                if (!others) continue; \
            } \
            do { \
                i += utf8_decode(p + i, &character); \
                out[used++] = (unit)character; \
            } while (i < size && p[i] >= 0x80 && used < most); \
        } \
        return used; \
    }
UTF8_WIDEN(uint16_t)
UTF8_WIDEN(uint32_t)

/* Where widened texts are put, one after the other: it grows, and whoever has it frees it. */
typedef struct {
    void *units;
    size_t bytes;
} Utf8Room;

/* The text, or at least its first ``most`` characters, as units of 2 or 4 bytes in the room; how many, -1 if memory is
   too short. */
static inline ptrdiff_t utf8_widen(const uint8_t *p, ptrdiff_t size, int width, ptrdiff_t most, Utf8Room *room) {
    size_t needed = (size_t)(size < most + 16 ? size : most + 16) * width;
    if (room->bytes < needed) {
        free(room->units);
        room->bytes = 0;
        room->units = malloc(2 * needed);
        if (!room->units) return -1;
        room->bytes = 2 * needed;
    }
    return width == 2 ? utf8_widen_uint16_t(p, size, (uint16_t *)room->units, most)
                      : utf8_widen_uint32_t(p, size, (uint32_t *)room->units, most);
}

static inline void utf8_free(Utf8Room *room) { free(room->units); }

#endif
