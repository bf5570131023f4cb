/* Where lines end and what is in them, in 64 bytes of UTF-8 at a time: by AVX-512 or AVX2 where the machine has enough
   of it, by SSE2, which every x86-64 has, else one by one; lines come to the same. */
#ifndef C4PIPE_LINES_H
#define C4PIPE_LINES_H

#include "line_ends.h"
#include "line_looks.h"
#include "processor.h"

typedef struct {
    void (*scan)(LineScan *scan, const LineEnds *ends);
    void (*look)(LineLook *look, const LinePairs *pairs);
} LineWays;

/* How it is done here: by vectors of at most so many bytes. */
static void lines_choose(LineWays *ways, int lanes) {
    ways->scan = line_scan_anywhere;
    ways->look = line_look_anywhere;
#if defined(__GNUC__) && defined(__x86_64__)
    if (lanes >= 32 && processor_has(HAS_AVX2 | HAS_BITS)) {
        ways->scan = line_scan_by_avx2;
        ways->look = line_look_by_avx2;
    }
    if (lanes >= 64 && processor_has(HAS_AVX512_BYTES | HAS_AVX512_SHUFFLES | HAS_BITS)) {
        ways->scan = line_scan_by_avx512;
        ways->look = line_look_by_avx512;
    }
#else
    (void)lanes;
#endif
}

#endif
