// Decoded audio as 16-bit mono samples.

// Decodes a file to mono at `sampleRate`. Rejects if the browser cannot decode it.
export async function decodeFile(file, sampleRate) {
  const context = new OfflineAudioContext(1, 1, sampleRate);
  const buffer = await context.decodeAudioData(await file.arrayBuffer());
  const mono = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const data = buffer.getChannelData(channel);
    for (let i = 0; i < mono.length; i++) mono[i] += data[i] / buffer.numberOfChannels;
  }
  return Int16Array.from(mono, (value) => Math.max(-32768, Math.min(32767, Math.round(value * 32767))));
}

// Length in seconds, levels in dBFS, and the share of 30 ms frames that are neither silence nor room noise.
export function measure(samples, sampleRate) {
  const frame = Math.round(0.03 * sampleRate);
  const levels = [];
  let peak = 0;
  let power = 0;
  let clipped = 0;
  for (let from = 0; from + frame <= samples.length; from += frame) {
    let sum = 0;
    for (let i = from; i < from + frame; i++) {
      const value = Math.abs(samples[i]) / 32768;
      if (value > peak) peak = value;
      if (value > 0.999) clipped++;
      sum += value * value;
    }
    power += sum;
    levels.push(10 * Math.log10(sum / frame + 1e-12));
  }
  const loud = [...levels].sort((a, b) => a - b)[Math.floor(levels.length * 0.95)] ?? -120;
  const floor = Math.max(-55, loud - 25);
  return {
    seconds: samples.length / sampleRate,
    peak: 20 * Math.log10(peak + 1e-6),
    rms: 10 * Math.log10(power / Math.max(1, levels.length * frame) + 1e-12),
    clippedShare: clipped / Math.max(1, samples.length),
    speechShare: levels.filter((level) => level > floor).length / Math.max(1, levels.length),
  };
}
