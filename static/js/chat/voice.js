// An answer said aloud while it is written: parts play one behind the other, without a gap. One voice at a time;
// it is silent once somebody asks again, plays a sound of the page, or presses its button.
let current = null;

export class Voice {
  constructor() {
    current?.stop();
    current = this;
    this.context = new AudioContext();
    this.until = 0;
    this.parts = 0;
    this.ready = Promise.resolve();
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "btn btn-xs btn-ghost chat-hush";
    this.button.textContent = "Stop speaking";
    this.button.addEventListener("click", () => this.stop());
  }

  get speaking() {
    return this.parts > 0;
  }

  add(base64) {
    const data = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;
    this.parts += 1;
    this.ready = this.ready.then(() => this.play(data)).catch(() => this.ended());
  }

  async play(data) {
    if (this.context.state === "closed") return;
    const part = this.context.createBufferSource();
    part.buffer = await this.context.decodeAudioData(data);
    part.connect(this.context.destination);
    part.addEventListener("ended", () => this.ended());
    const begins = Math.max(this.context.currentTime, this.until);
    part.start(begins);
    this.until = begins + part.buffer.duration;
  }

  ended() {
    this.parts -= 1;
    if (!this.parts) this.button.remove();
  }

  stop() {
    this.parts = 0;
    this.button.remove();
    if (this.context.state !== "closed") this.context.close();
  }
}

document.addEventListener("play", () => current?.stop(), true);
document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.closest?.(".chat-composer")) current?.stop();
});
