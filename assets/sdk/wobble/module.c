/* Wobble: a sound that swells and fades, again and again. */

enum { IN, RATE_IN, INPUTS };
enum { OUT, OUTPUTS };
enum { RATE, DEPTH, PARAMS };
#include "sostenuto.h"

float phase;

void process(void) {
    for (uint32_t f = sostenuto.first; f < sostenuto.end; f++) {
        float hz = sostenuto.param[RATE][f] * sostenuto_exp2(sostenuto.in[RATE_IN][f][0]);
        float gain = 1 - sostenuto.param[DEPTH][f] * (0.5f - 0.5f * sostenuto_sine(phase));
        for (int c = 0; c < CHANNELS; c++)
            sostenuto.out[OUT][f][c] = sostenuto.in[IN][f][c] * gain;
        float step = hz / sostenuto.sample_rate;
        phase += step < 0.5f ? step : 0.5f;
        if (phase >= 1) phase -= 1;
    }
}
