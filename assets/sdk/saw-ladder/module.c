/* Saw Ladder: a band-limited saw through four poles with drive, at twice the rate. */

enum { VOCT, CUTOFF_IN, INPUTS };
enum { OUT, OUTPUTS };
enum { CUTOFF, RESONANCE, PARAMS };
#include "sostenuto.h"

float phase[CHANNELS];
static float pole[4][CHANNELS], step[CHANNELS], gain[CHANNELS];

/* tanh, as a ratio of polynomials. */
static inline float bend(float x) {
    float square = x * x;
    float y = x * (27 + square) / (27 + 9 * square);
    return y > 1 ? 1 : y < -1 ? -1 : y;
}

/* What a step within a frame adds to a wave of straight lines, so that it does not alias. */
static inline float edge(float phase, float step) {
    float after = phase / step, before = (phase - 1) / step;
    float first = after + after - after * after - 1;
    float last = before * before + before + before + 1;
    return phase < step ? first : phase > 1 - step ? last : 0;
}

FORGET void forget(uint32_t gone) {
    for (int c = 0; c < CHANNELS; c++)
        for (int p = 0; p < 4; p++)
            if (gone >> c & 1) pole[p][c] = 0;
}

void process(void) {
    const float frame = 1 / sostenuto.sample_rate;
    for (uint32_t f = sostenuto.first; f < sostenuto.end; f++) {
        /* Pitch and cutoff are looked at once a quantum. */
        if (f == 0)
            for (uint32_t c = 0; c < sostenuto.channels; c++) {
                float hz = 261.6256f * sostenuto_exp2(sostenuto.in[VOCT][f][c]);
                float cutoff = sostenuto.param[CUTOFF][f]
                    * sostenuto_exp2(sostenuto.in[CUTOFF_IN][f][c]);
                step[c] = hz * frame < 0.4f ? hz * frame : 0.4f;
                float turn = 3.14159f * cutoff * frame;
                gain[c] = turn < 0.9f ? turn / (1 + turn) : 0.47f;
            }
        const float ring = 4 * sostenuto.param[RESONANCE][f];
        for (int c = 0; c < CHANNELS; c++) {
            float p = phase[c] + step[c];
            p = p >= 1 ? p - 1 : p;
            phase[c] = p;
            float saw = 2 * p - 1 - (step[c] > 0 ? edge(p, step[c]) : 0);
            float a = pole[0][c], b = pole[1][c], d = pole[2][c], e = pole[3][c];
            for (int twice = 0; twice < 2; twice++) {
                a += gain[c] * (bend(saw - ring * e) - bend(a));
                b += gain[c] * (bend(a) - bend(b));
                d += gain[c] * (bend(b) - bend(d));
                e += gain[c] * (bend(d) - bend(e));
            }
            pole[0][c] = a, pole[1][c] = b, pole[2][c] = d, pole[3][c] = e;
            sostenuto.out[OUT][f][c] = 5 * e;
        }
    }
}
