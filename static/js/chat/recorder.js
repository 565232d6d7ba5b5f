// Records speech into a WAV of 16 kHz, mono, 16 bit: what every speech recognition reads, and small enough to send.
import { complain } from "./files.js";

const RATE_HZ = 16_000;
const LONGEST_S = 600;
const SHORTEST_S = 0.2;
const WORDS = {
  NotAllowedError: "The browser was not allowed to use the microphone. Allow it in the address bar's site settings, then press Record again.",
  NotFoundError: "There is no microphone. Connect one, then press Record again.",
  NotReadableError: "Another program uses the microphone. Close it, then press Record again.",
};

let running = null;

export async function record(holder) {
  if (running) return;
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) {
    complain("This browser records only on pages that come over HTTPS. Attach a sound file instead.");
    return;
  }
  complain();
  try {
    running = new Recording(holder);
    await running.start();
  } catch (error) {
    running?.close();
    complain(WORDS[error.name] ?? `The microphone cannot be used: ${error.message}`);
  }
}

class Recording {
  constructor(holder) {
    this.holder = holder;
    this.button = document.querySelector("[data-record]");
    this.panel = holder.querySelector("[data-recorder]");
    this.clock = this.panel.querySelector("[data-clock]");
    this.level = this.panel.querySelector("[data-level]");
    this.listeners = new AbortController();
    this.chunks = [];
  }

  async start() {
    this.button.disabled = true;
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(this.stream).connect(this.analyser);
    this.recorder = new MediaRecorder(this.stream);
    this.recorder.addEventListener("dataavailable", (event) => this.chunks.push(event.data));
    this.recorder.addEventListener("stop", () => this.stopped());
    this.recorder.start();
    this.began = performance.now();
    this.level.value = 0;
    this.clock.textContent = "0:00";
    this.panel.hidden = false;
    const { signal } = this.listeners;
    const done = this.panel.querySelector("[data-record-done]");
    done.addEventListener("click", () => this.finish(true), { signal });
    this.panel.querySelector("[data-record-cancel]").addEventListener("click", () => this.finish(false), { signal });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.finish(false);
    }, { signal });
    done.focus();
    announce("Recording. Press Enter when you are done, Escape to cancel.");
    this.show();
  }

  show() {
    if (this.listeners.signal.aborted) return;
    const samples = new Float32Array(this.analyser.fftSize);
    this.analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
    this.level.value = Math.min(1, Math.sqrt(power) * 4);
    const seconds = Math.floor((performance.now() - this.began) / 1000);
    this.clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (seconds >= LONGEST_S) this.finish(true);
    else setTimeout(() => this.show(), 80);
  }

  finish(wanted) {
    if (this.listeners.signal.aborted) return;
    this.listeners.abort();
    this.wanted = wanted;
    if (this.recorder.state === "inactive") this.stopped();
    else this.recorder.stop();
  }

  async stopped() {
    const wanted = this.wanted ?? true;
    let kept = false;
    this.listeners.abort();
    try {
      if (wanted) kept = await this.keep();
    } catch (error) {
      complain(`The recording cannot be read: ${error.message}`);
    }
    this.close();
    if (kept) announce("The recording is attached. It can be heard before it is sent.");
    else if (!wanted) announce("The recording was cancelled.");
    const next = kept ? document.querySelector("[data-send]") : this.button;
    next?.focus();
  }

  async keep() {
    const recorded = await new Blob(this.chunks, { type: this.recorder.mimeType }).arrayBuffer();
    const sound = await this.context.decodeAudioData(recorded);
    if (sound.duration < SHORTEST_S) {
      complain("The recording is too short to hear a word. Press Record, speak, then press Done.");
      return false;
    }
    const offline = new OfflineAudioContext(1, Math.max(1, Math.ceil(sound.duration * RATE_HZ)), RATE_HZ);
    const source = offline.createBufferSource();
    source.buffer = sound;
    source.connect(offline.destination);
    source.start();
    const samples = (await offline.startRendering()).getChannelData(0);
    const time = new Date().toTimeString().slice(0, 8).replaceAll(":", "-");
    const file = new File([wav(samples)], `recording-${time}.wav`, { type: "audio/wav" });
    file.seconds = sound.duration;
    return this.holder.take([file]);
  }

  close() {
    running = null;
    this.listeners.abort();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.context?.close();
    this.panel.hidden = true;
    this.button.disabled = false;
  }
}

function announce(words) {
  const place = document.getElementById("chat-announcer");
  if (place) place.textContent = words;
}

function wav(samples) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const word = (at, text) => [...text].forEach((sign, index) => view.setUint8(at + index, sign.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE_HZ, true);
  view.setUint32(28, 2 * RATE_HZ, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, index) => view.setInt16(44 + 2 * index, Math.max(-1, Math.min(1, value)) * 0x7fff, true));
  return view.buffer;
}
