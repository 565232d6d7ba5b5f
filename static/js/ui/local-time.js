// <local-time><time datetime="…">UTC text</time></local-time>: shows the reader's own time zone.
// data-format: "relative" (3 minutes ago; default), "datetime", "date".
const STEPS = [[60, "second"], [60, "minute"], [24, "hour"], [7, "day"], [4.35, "week"], [12, "month"], [Infinity, "year"]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

function ago(moment) {
  let value = (moment - Date.now()) / 1000;
  if (Math.abs(value) < 10) return "just now";
  for (const [size, unit] of STEPS) {
    if (Math.abs(value) < size) return relative.format(Math.round(value), unit);
    value /= size;
  }
  return "";
}

class LocalTime extends HTMLElement {
  connectedCallback() {
    this.show();
    if (this.format === "relative") this.timer = setInterval(() => this.show(), 30_000);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  get format() {
    return this.dataset.format ?? "relative";
  }

  show() {
    const time = this.querySelector("time");
    const moment = new Date(time?.dateTime ?? "");
    if (Number.isNaN(moment.getTime())) return;
    time.title = full.format(moment);
    time.textContent = this.format === "relative" ? ago(moment) : (this.format === "date" ? date : full).format(moment);
  }
}

customElements.define("local-time", LocalTime);
