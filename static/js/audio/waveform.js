// A waveform on a canvas: bars, the played part in the accent colour. Samples may still be arriving.

import { onTheme } from "../theme.js";

const PEAK_SECONDS = 0.02;
const BAR = 3; // CSS pixels
const GAP = 2;

export class Waveform {
  #canvas;
  #peaks = [];
  #peak = 0;
  #inPeak = 0;
  #peakLength = 1;
  #total = 0; // number of peaks across the whole width
  #played = 0;
  #isDue = false;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#schedule()).observe(canvas);
    onTheme(() => this.#schedule());
  }

  // Clears the waveform. `expectedSeconds` prevents rescaling with each piece.
  clear(sampleRate, expectedSeconds = 0) {
    this.#peakLength = Math.round(PEAK_SECONDS * sampleRate);
    this.#peaks = [];
    this.#peak = this.#inPeak = this.#played = 0;
    this.#total = Math.ceil(expectedSeconds / PEAK_SECONDS);
    this.#schedule();
  }

  append(samples) {
    for (const sample of samples) {
      const size = sample < 0 ? -sample : sample;
      if (size > this.#peak) this.#peak = size;
      if (++this.#inPeak === this.#peakLength) {
        this.#peaks.push(this.#peak / 32768);
        this.#peak = this.#inPeak = 0;
      }
    }
    this.#schedule();
  }

  // All samples have arrived: the width is scaled to them.
  finish() {
    if (this.#inPeak) this.#peaks.push(this.#peak / 32768);
    this.#inPeak = 0;
    this.#total = 0;
    this.#schedule();
  }

  set played(seconds) {
    const played = seconds / PEAK_SECONDS;
    if (played === this.#played) return;
    this.#played = played;
    this.#schedule();
  }

  get seconds() {
    return Math.max(this.#total, this.#peaks.length) * PEAK_SECONDS;
  }

  #schedule() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!width || !height) return;
    const scale = window.devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    const pen = this.#canvas.getContext("2d");
    pen.scale(scale, scale);
    const style = getComputedStyle(this.#canvas);
    const [played, rest, empty] = ["--wave-played", "--wave", "--wave-empty"].map((name) => style.getPropertyValue(name).trim());
    const bars = Math.floor(width / (BAR + GAP));
    const total = Math.max(this.#total, this.#peaks.length, 1);
    for (let bar = 0; bar < bars; bar++) {
      const from = Math.floor((bar * total) / bars);
      const to = Math.max(from + 1, Math.floor(((bar + 1) * total) / bars));
      const isMade = from < this.#peaks.length;
      let peak = 0;
      for (let i = from; i < to && i < this.#peaks.length; i++) peak = Math.max(peak, this.#peaks[i]);
      const tall = Math.max(BAR, Math.sqrt(peak) * (height - 4));
      pen.fillStyle = !isMade ? empty : from < this.#played ? played : rest;
      pen.beginPath();
      pen.roundRect(bar * (BAR + GAP), (height - tall) / 2, BAR, tall, BAR / 2);
      pen.fill();
    }
  }
}
