/* Sostenuto: modules of your own in C, version 1 of the contract. docs/sdk.md explains it.
 *
 * Before you include this, number your inputs, outputs and params in the order of
 * facts.txt, and say how many there are:
 *
 *     enum { IN, VOCT, INPUTS };
 *     enum { OUT, OUTPUTS };
 *     enum { CUTOFF, PARAMS };
 *     #include "sostenuto.h"
 */
#ifndef SOSTENUTO_H
#define SOSTENUTO_H

#include <stdint.h>

/* Frames in a quantum, and channels that a cable has at most. */
#define FRAMES 32
#define CHANNELS 16

/* What comes in and goes out. Volts: sound is 5 V either way, pitch 1 V an octave with
 * middle C at 0 V, a gate is on from 1 V. */
struct sostenuto {
    float sample_rate;        /* in Hz */
    uint32_t first, end;      /* compute the frames from `first` up to `end`, without it */
    uint32_t channels;        /* of the first input that is patched, else 1 */
    uint64_t frame;           /* frames since the start of the sound */
    uint64_t seed;            /* another one for each module of a patch */
    uint32_t heard;           /* a bit for each output that something reads */
    uint32_t out_channels;    /* of every output; `channels`, unless you change it */
    uint32_t unused[2];
    uint32_t in_channels[8];  /* of each input; 0: nothing is patched */
    float goal[16];           /* where each knob was set; it glides there */
    float param[PARAMS][FRAMES];
    float in[INPUTS][FRAMES][CHANNELS];   /* one channel is copied to all */
    float out[OUTPUTS][FRAMES][CHANNELS];
};

static struct sostenuto sostenuto __attribute__((aligned(16)));

__attribute__((export_name("io"))) struct sostenuto *sostenuto_io(void) { return &sostenuto; }

/* Yours: computes the frames. It is called for a whole quantum, or, in a feedback loop, for
 * one frame at a time. */
__attribute__((export_name("process"))) void process(void);

/* Two to the power of x, and the sine of a phase in turns: the same to the bit on every
 * machine. */
__attribute__((import_module("sostenuto"), import_name("exp2"))) float sostenuto_exp2(float x);
__attribute__((import_module("sostenuto"), import_name("sine"))) float sostenuto_sine(float turns);

/* What may go before other functions of yours:
 * START  void start(void)            a new module, or new code: called before the first frame
 * FORGET void forget(uint32_t gone)  channels that are gone, a bit each: let go of their notes */
#define START __attribute__((export_name("start")))
#define FORGET __attribute__((export_name("forget")))

#endif
