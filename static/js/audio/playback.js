// Plays 16-bit mono samples that may still be arriving: without gaps, from any position, with a pause when the data runs out.
// Events: "change" (state), "end". AudioBufferSourceNodes rather than a worklet, which plain-http addresses do not have.

import { announce, onAnnounced } from "../tabs.js";
import { speaker } from "./speaker.js";

const AHEAD = 2.5; // seconds scheduled in advance; timers of hidden tabs fire once a second
const SLICE = 0.5; // longest single buffer, in seconds
const PREBUFFER = 0.2; // seconds that must have arrived before (re)starting
const LEAD = 0.03; // seconds between deciding to start and starting
const TICK = 50; // milliseconds

let active = null; // only one playback at a time, in all tabs
onAnnounced("playing", () => active?.pause());

export class Playback extends EventTarget {
  #samples = new Int16Array(0);
  #length = 0;
  #isFinished = false;
  #state = "paused"; // paused | waiting | playing
  #next = 0; // first sample that is not scheduled; the position at which playing starts
  #clock = 0; // time of #next on the context's clock
  #anchor = { sample: 0, time: 0 };
  #sources = new Set();
  #timer = null;

  constructor(sampleRate) {
    super();
    this.sampleRate = sampleRate;
  }

  get state() {
    return this.#state;
  }

  get isPlaying() {
    return this.#state !== "paused";
  }

  get isFinished() {
    return this.#isFinished;
  }

  get seconds() {
    return this.#length / this.sampleRate;
  }

  get samples() {
    return this.#samples.subarray(0, this.#length);
  }

  get position() {
    if (this.#state !== "playing") return this.#next / this.sampleRate;
    const elapsed = Math.max(0, speaker().context.currentTime - this.#anchor.time);
    return Math.min(this.#anchor.sample / this.sampleRate + elapsed, this.#next / this.sampleRate);
  }

  append(samples) {
    const needed = this.#length + samples.length;
    if (needed > this.#samples.length) {
      const larger = new Int16Array(Math.max(needed, 2 * this.#samples.length, this.sampleRate));
      larger.set(this.samples);
      this.#samples = larger;
    }
    this.#samples.set(samples, this.#length);
    this.#length = needed;
    if (this.isPlaying) this.#pump();
  }

  finish() {
    this.#isFinished = true;
    if (this.isPlaying) this.#pump();
  }

  play() {
    if (this.isPlaying) return;
    if (active && active !== this) active.pause();
    active = this;
    announce("playing");
    if (this.#isFinished && this.#next >= this.#length) this.#next = 0;
    speaker().context.resume();
    this.#timer = setInterval(() => this.#pump(), TICK);
    this.#become("waiting");
    this.#pump();
  }

  pause() {
    if (!this.isPlaying) return;
    this.#next = Math.round(this.position * this.sampleRate);
    this.#silence();
    this.#become("paused");
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  seek(seconds) {
    const wasPlaying = this.isPlaying;
    this.#silence();
    this.#next = Math.round(Math.min(Math.max(0, seconds), this.seconds) * this.sampleRate);
    this.#state = "paused";
    if (wasPlaying && !(this.#isFinished && this.#next >= this.#length)) this.play();
    else this.#become("paused");
  }

  #become(state) {
    this.#state = state;
    this.dispatchEvent(new Event("change"));
  }

  #silence() {
    clearInterval(this.#timer);
    for (const source of this.#sources) {
      source.onended = null;
      source.stop();
      source.disconnect();
    }
    this.#sources.clear();
  }

  #pump() {
    const { context } = speaker();
    if (context.state !== "running") return;
    const now = context.currentTime;
    const left = this.#length - this.#next;
    if (this.#state === "playing" && this.#clock < now && left > 0) this.#state = "waiting"; // an underrun, and more samples have arrived
    if (this.#state === "waiting") {
      if (left === 0 && this.#isFinished) return this.#end();
      if (left === 0 || (left < PREBUFFER * this.sampleRate && !this.#isFinished)) return;
      this.#clock = Math.ceil((now + LEAD) * context.sampleRate) / context.sampleRate; // on the sample grid: no interpolation
      this.#anchor = { sample: this.#next, time: this.#clock };
      this.#become("playing");
    }
    while (this.#next < this.#length && this.#clock < now + AHEAD) this.#handOver();
    if (this.#next === this.#length && this.#clock <= now) {
      if (this.#isFinished) this.#end();
      else this.#become("waiting");
    }
  }

  #handOver() {
    const { context, output } = speaker();
    const count = Math.min(this.#length - this.#next, Math.round(SLICE * this.sampleRate));
    const buffer = context.createBuffer(1, count, this.sampleRate);
    const channel = buffer.getChannelData(0);
    for (let i = 0; i < count; i++) channel[i] = this.#samples[this.#next + i] / 32768;
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(output);
    source.onended = () => this.#sources.delete(source);
    source.start(this.#clock);
    this.#sources.add(source);
    this.#next += count;
    // Computed from the anchor, since adding up would drift off the sample grid.
    this.#clock = this.#anchor.time + (this.#next - this.#anchor.sample) / this.sampleRate;
  }

  #end() {
    this.#silence();
    this.#become("paused");
    this.dispatchEvent(new Event("end"));
  }
}
