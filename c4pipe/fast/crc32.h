/* The checksum of gzip (RFC 1952, section 8): by carry-less multiplication where there is one, else by tables. */
#ifndef C4PIPE_CRC32_H
#define C4PIPE_CRC32_H

#include <stddef.h>
#include <stdint.h>

#include "processor.h"

static uint32_t crc32_table[8][256];

static void crc32_begin(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1)));
        crc32_table[0][i] = crc;
    }
    for (int k = 1; k < 8; k++) {
        for (int i = 0; i < 256; i++) {
            uint32_t crc = crc32_table[k - 1][i];
            crc32_table[k][i] = crc >> 8 ^ crc32_table[0][crc & 0xFF];
        }
    }
}

/* Eight bytes a step. ``crc`` is that of what was before, all its bits flipped. */
static uint32_t crc32_by_tables(uint32_t crc, const uint8_t *p, ptrdiff_t size) {
    for (; size >= 8; size -= 8, p += 8) {
        crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        crc = crc32_table[7][crc & 0xFF] ^ crc32_table[6][crc >> 8 & 0xFF] ^ crc32_table[5][crc >> 16 & 0xFF] ^
              crc32_table[4][crc >> 24] ^ crc32_table[3][p[4]] ^ crc32_table[2][p[5]] ^ crc32_table[1][p[6]] ^
              crc32_table[0][p[7]];
    }
    for (; size > 0; size--, p++) crc = crc >> 8 ^ crc32_table[0][(crc ^ *p) & 0xFF];
    return crc;
}

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#define CRC32_TARGET __attribute__((target("pclmul,sse4.1")))

/* A register moved on over the data: both its halves times a power of x, and the data there. */
CRC32_TARGET static inline __m128i crc32_fold(__m128i x, __m128i by, const uint8_t *p) {
    __m128i low = _mm_clmulepi64_si128(x, by, 0x00), high = _mm_clmulepi64_si128(x, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), _mm_loadu_si128((const __m128i *)p));
}

/* Sixteen bytes a step in four registers, then the four as one, and the rest by tables. What a register holds at the
   end is sixteen bytes with the same checksum as all before, so they go through the tables, too. The powers of x are
   those for 64 and 16 bytes of V. Gopal et al., Fast CRC Computation Using PCLMULQDQ, Intel 2009 (bits in reverse):
   for n bytes x^(8n+32) and x^(8n-32), modulo the polynomial. */
CRC32_TARGET static uint32_t crc32_by_folding(uint32_t crc, const uint8_t *p, ptrdiff_t size) {
    const __m128i by_64 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4), by_16 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    const uint8_t zeros[16] = {0};
    uint8_t left[16];
    __m128i x[4];
    int i;
    for (i = 0; i < 4; i++) x[i] = _mm_loadu_si128((const __m128i *)p + i);
    x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)crc));
    for (p += 64, size -= 64; size >= 64; p += 64, size -= 64) {
        for (i = 0; i < 4; i++) x[i] = crc32_fold(x[i], by_64, p + 16 * i);
    }
    for (i = 1; i < 4; i++) x[i] = _mm_xor_si128(crc32_fold(x[i - 1], by_16, zeros), x[i]);
    for (; size >= 16; p += 16, size -= 16) x[3] = crc32_fold(x[3], by_16, p);
    _mm_storeu_si128((__m128i *)left, x[3]);
    return crc32_by_tables(crc32_by_tables(0, left, 16), p, size);
}

/* The same by four registers of 64 bytes. They end as 256 bytes with the same checksum as all before. */
__attribute__((target("avx512f,vpclmulqdq,pclmul,sse4.1"))) static uint32_t crc32_by_wide_folding(
    uint32_t crc, const uint8_t *p, ptrdiff_t size) {
    const __m512i by_256 = _mm512_broadcast_i32x4(_mm_set_epi64x(0x1322d1430, 0x11542778a));
    uint8_t left[256];
    __m512i x[4];
    int i;
    for (i = 0; i < 4; i++) x[i] = _mm512_loadu_si512(p + 64 * i);
    x[0] = _mm512_xor_si512(x[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)crc)));
    for (p += 256, size -= 256; size >= 256; p += 256, size -= 256) {
        for (i = 0; i < 4; i++) {
            __m512i low = _mm512_clmulepi64_epi128(x[i], by_256, 0x00);
            __m512i high = _mm512_clmulepi64_epi128(x[i], by_256, 0x11);
            x[i] = _mm512_ternarylogic_epi64(low, high, _mm512_loadu_si512(p + 64 * i), 0x96); /* exclusive or */
        }
    }
    for (i = 0; i < 4; i++) _mm512_storeu_si512(left + 64 * i, x[i]);
    crc = crc32_by_folding(0, left, 256);
    return size >= 64 ? crc32_by_folding(crc, p, size) : crc32_by_tables(crc, p, size);
}

static uint32_t crc32_from(uint32_t crc, const uint8_t *p, ptrdiff_t size, int at_most) {
    if (at_most >= 256 && size >= 256 && processor_has(HAS_AVX512_PCLMUL)) return crc32_by_wide_folding(crc, p, size);
    if (at_most >= 64 && size >= 64 && processor_has(HAS_PCLMUL)) return crc32_by_folding(crc, p, size);
    return crc32_by_tables(crc, p, size);
}
#else
static uint32_t crc32_from(uint32_t crc, const uint8_t *p, ptrdiff_t size, int at_most) {
    (void)at_most;
    return crc32_by_tables(crc, p, size);
}
#endif

/* The checksum, by steps of at most as many bytes as are told: 8, 64 or 256, as this processor has them. */
static uint32_t crc32_of(const uint8_t *p, ptrdiff_t size, int at_most) { return ~crc32_from(~0u, p, size, at_most); }

#endif
