/* Blanks in valid UTF-8: the characters that str.isspace knows, which strip takes off and split parts at. */
#ifndef C4PIPE_BLANKS_H
#define C4PIPE_BLANKS_H

#include <Python.h>

#include "utf8.h"

/* The bytes of the blank that is here; 0 if there is none, or if this is not where a character begins. Beyond ASCII all
   are from U+0080 to U+00BF or from U+1000 to U+3FFF. */
static inline int blank_at(const uint8_t *p) {
    uint32_t character;
    int bytes;
    if (p[0] <= ' ') return p[0] >= 28 || p[0] - 9u < 5;
    if (p[0] != 0xC2 && p[0] - 0xE1u > 0xE3 - 0xE1) return 0;
    bytes = utf8_decode(p, &character);
    return Py_UNICODE_ISSPACE(character) ? bytes : 0;
}

/* The bytes of the blank that ends here; 0 if there is none. */
static inline int blank_before(const uint8_t *p) {
    return blank_at(p[-1] < 0x80 ? p - 1 : utf8_before(p));
}

/* Without the blanks that it begins with: where what is left begins. */
static inline const uint8_t *skip_blanks(const uint8_t *begin, const uint8_t *end) {
    int bytes;
    while (begin < end && (bytes = blank_at(begin))) begin += bytes;
    return begin;
}

/* Without the blanks that it ends with: where what is left ends. */
static inline const uint8_t *before_blanks(const uint8_t *begin, const uint8_t *end) {
    int bytes;
    while (begin < end && (bytes = blank_before(end))) end -= bytes;
    return end;
}

#endif
