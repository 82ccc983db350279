#!/usr/bin/env python3
"""Makes the sounds of this folder with ffmpeg, sox, flac and libsndfile, and what ffmpeg decodes from each.

Usage: make.py. It needs ffmpeg (with libvorbis and libmp3lame), sox, flac and sndfile-convert (Debian:
sndfile-programs). README.md says what lies here."""
import hashlib, math, os, random, struct, subprocess, sys

os.chdir(os.path.dirname(os.path.abspath(__file__)))
RATE = 11025
lines, known = [], {}


def source(channels, frames, rate, name):
    """A sound of 16 bits with another pitch in each channel, and noise under it."""
    rng = random.Random(channels * 1000 + frames)
    data = b''
    for n in range(frames):
        for c in range(channels):
            v = 0.6 * math.sin(math.tau * (220 + 130 * c) * n / rate) + 0.05 * rng.uniform(-1, 1)
            data += struct.pack('<h', round(v * 32767))
    block = 2 * channels
    head = struct.pack('<4sI4s4sIHHIIHH4sI', b'RIFF', 36 + len(data), b'WAVE', b'fmt ', 16, 1, channels, rate,
                       rate * block, block, 16, b'data', len(data))
    open(name, 'wb').write(head + data)


def run(*command, stdout=None):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL)


def keep(name, tolerance=1e-6, frames=None):
    """Has the file in the list, with what ffmpeg decodes from it: that many frames, where ffmpeg 5.1 adds the encoder's
    padding behind the sound."""
    probe = subprocess.run(['ffprobe', '-v', 'error', '-show_entries', 'stream=sample_rate,channels', '-of', 'csv=p=0',
                            name], check=True, capture_output=True, text=True).stdout.strip().splitlines()[0].split(',')
    decoded = subprocess.run(['ffmpeg', '-v', 'quiet', '-i', name, '-map', '0:a:0', '-f', 'f32le', '-'], check=True,
                             capture_output=True).stdout
    rate, channels = probe
    if frames:
        decoded = decoded[:4 * int(channels) * frames]
    digest = hashlib.sha256(decoded).hexdigest()
    if digest not in known:
        known[digest] = name + '.f32'
        open(known[digest], 'wb').write(decoded)
    lines.append(f'{name} {rate} {channels} {known[digest]} {tolerance}')


def ffmpeg(name, *options, of='stereo.tmp.wav', tolerance=1e-6, frames=None):
    run('ffmpeg', '-y', '-bitexact', '-i', of, *options, '-fflags', '+bitexact', '-flags:a', '+bitexact', name)
    keep(name, tolerance, frames)


def pipe(name, *command):
    run('sh', '-c', ' '.join(command) + f' | cat > {name}')
    keep(name)


def sox(name, *options, of='stereo.tmp.wav'):
    run('sox', '-D', of, *options, name)
    keep(name)


for old in os.listdir('.'):
    if old not in ('make.py', 'README.md'):
        os.remove(old)
source(1, 401, RATE, 'mono.tmp.wav')
source(2, 400, RATE, 'stereo.tmp.wav')
source(6, 100, 48000, 'six.tmp.wav')
source(8, 50, 96000, 'eight.tmp.wav')
source(2, 3000, 44100, 'long.tmp.wav')
source(1, 3000, 22050, 'long-mono.tmp.wav')
source(6, 3000, 48000, 'long-six.tmp.wav')

# WAV, by ffmpeg.
for codec in ('u8', 's16le', 's24le', 's32le', 'f32le', 'f64le', 'alaw', 'mulaw'):
    ffmpeg(f'wav-{codec}.wav', '-c:a', 'pcm_' + codec)
ffmpeg('wav-adpcm-ms.wav', '-c:a', 'adpcm_ms', '-block_size', '256')
ffmpeg('wav-adpcm-ima.wav', '-c:a', 'adpcm_ima_wav', '-block_size', '256')
ffmpeg('wav-odd-mono.wav', '-c:a', 'pcm_u8', of='mono.tmp.wav')
ffmpeg('wav-24-mono.wav', '-c:a', 'pcm_s24le', of='mono.tmp.wav')
ffmpeg('wav-six.wav', '-c:a', 'pcm_s16le', of='six.tmp.wav')
ffmpeg('wav-six-24.wav', '-c:a', 'pcm_s24le', of='six.tmp.wav')
ffmpeg('wav-eight.wav', '-c:a', 'pcm_s16le', of='eight.tmp.wav')
ffmpeg('wav-rf64.wav', '-rf64', 'always')
ffmpeg('wav-bext.wav', '-write_bext', '1', '-metadata', 'description=odd', '-metadata', 'coding_history=abc')
ffmpeg('wav-list.wav', '-metadata', 'title=odd', '-metadata', 'comment=four', '-metadata', 'genre=seven!!')
for rate in (8000, 384000):
    source(1, 200, rate, 'rate.tmp.wav')
    ffmpeg(f'wav-{rate}.wav', of='rate.tmp.wav')
pipe('wav-pipe-ffmpeg.wav', 'ffmpeg -v quiet -bitexact -i stereo.tmp.wav -f wav -')
# WAV, by sox and libsndfile.
for bits in (8, 16, 24, 32):
    sox(f'wav-sox-{bits}.wav', '-b', str(bits))
sox('wav-sox-float.wav', '-e', 'float', '-b', '32')
pipe('wav-pipe-sox.wav', 'sox stereo.tmp.wav -t wav -')
for kind, flag in (('wavex', '-pcm24'), ('rf64', '-pcm24'), ('wav', '-float32'), ('wav', '-float64')):
    name = f'sndfile{flag}.{kind}'
    run('sndfile-convert', flag, 'stereo.tmp.wav', name)
    keep(name)
run('sndfile-convert', '-pcm16', '-endian=big', 'stereo.tmp.wav', 'sndfile-rifx.wav')
# ffmpeg 5.1 reads the samples of RIFX with their bytes the wrong way round.
lines.append(f'sndfile-rifx.wav {RATE} 2 wav-s16le.wav.f32 1e-06')
# AIFF.
for codec in ('s8', 's16be', 's24be', 's32be', 'f32be', 'f64be', 'alaw', 'mulaw', 's16le'):
    ffmpeg(f'aiff-{codec}.aiff', '-c:a', 'pcm_' + codec)
ffmpeg('aiff-mono-8.aif', '-c:a', 'pcm_s8', of='mono.tmp.wav')
sox('aiff-sox-24.aiff', '-b', '24')
sox('aiff-sox.aifc')
pipe('aiff-pipe-sox.aiff', 'sox stereo.tmp.wav -t aiff -')
run('sndfile-convert', '-pcm24', '-endian=little', 'stereo.tmp.wav', 'sndfile-sowt-24.aiff')
# FLAC.
ffmpeg('flac-16.flac', '-metadata', 'title=A title')
ffmpeg('flac-24.flac', '-sample_fmt', 's32', '-bits_per_raw_sample', '24', of='wav-s24le.wav')
ffmpeg('flac-six.flac', of='six.tmp.wav')
sox('flac-8.flac', '-b', '8')
samples = [v for (v,) in struct.iter_unpack('<h', open('stereo.tmp.wav', 'rb').read()[44:])]
for bits, size in ((12, 2), (20, 3)):
    # Valid bits are the upper ones of a sample.
    data = b''.join((v * 256 ** (size - 2) >> (8 * size - bits) << (8 * size - bits)).to_bytes(size, 'little', signed=True)
                    for v in samples)
    guid = struct.pack('<IHH8B', 1, 0, 0x10, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71)
    form = struct.pack('<HHIIHHHHI', 0xfffe, 2, RATE, RATE * 2 * size, 2 * size, 8 * size, 22, bits, 3) + guid
    head = struct.pack('<4sI4s4sI', b'RIFF', 60 + len(data), b'WAVE', b'fmt ', 40) + form
    name = f'wav-{bits}-in-{8 * size}.wav'
    open(name, 'wb').write(head + struct.pack('<4sI', b'data', len(data)) + data)
    keep(name)
    run('flac', '-f', '-s', '--lax', '-o', f'flac-{bits}.flac', name)
    keep(f'flac-{bits}.flac')
# OGG Vorbis and FLAC.
ffmpeg('ogg-stereo.ogg', '-c:a', 'libvorbis', of='long.tmp.wav', tolerance=1e-4, frames=3000)
ffmpeg('ogg-mono.ogg', '-c:a', 'libvorbis', of='long-mono.tmp.wav', tolerance=1e-4, frames=3000)
# Refused, so not in the list.
run('ffmpeg', '-y', '-bitexact', '-i', 'long-six.tmp.wav', '-c:a', 'libvorbis', '-fflags', '+bitexact', 'ogg-six.ogg')
ffmpeg('ogg-flac.oga', '-c:a', 'flac')
# MP3: with its delay written down and tags around it, without, and of MPEG 2.
ffmpeg('mp3-tags.mp3', '-c:a', 'libmp3lame', '-b:a', '64k', '-metadata', 'title=odd', '-write_id3v1', '1', of='long.tmp.wav',
       tolerance=1e-4, frames=3000)
ffmpeg('mp3-plain.mp3', '-c:a', 'libmp3lame', '-b:a', '64k', '-write_xing', '0', '-id3v2_version', '0', of='long.tmp.wav',
       tolerance=1e-4)
ffmpeg('mp3-vbr-mono.mp3', '-c:a', 'libmp3lame', '-q:a', '5', of='long-mono.tmp.wav', tolerance=1e-4)

open('expected.txt', 'w').write('\n'.join(lines) + '\n')
for old in os.listdir('.'):
    if '.tmp' in old:
        os.remove(old)
