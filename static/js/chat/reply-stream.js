// <reply-stream data-src data-stop>: reads one reply's events until it has ended, then gives way to the
// finished message. Text arrives HTML-escaped. Reconnecting is EventSource's own work: ids are offsets, so
// nothing comes twice; a reply that has ended meanwhile is told whole.
import { follow } from "./scrolling.js";
import { Voice } from "./voice.js";

const RETRY_MS = 2000;
const SPOKEN = 4000;

function announce(text) {
  const place = document.getElementById("chat-announcer");
  if (place) place.textContent = text.slice(0, SPOKEN);
}

class ReplyStream extends HTMLElement {
  connectedCallback() {
    if (this.source) return;
    this.text = this.querySelector("[data-text]");
    this.progress = this.querySelector("[data-progress]");
    this.open();
    document.dispatchEvent(new CustomEvent("chat:busy"));
  }

  disconnectedCallback() {
    clearTimeout(this.retry);
    this.source?.close();
    queueMicrotask(() => document.dispatchEvent(new CustomEvent("chat:busy")));
  }

  open() {
    const source = new EventSource(this.dataset.src);
    this.source = source;
    source.addEventListener("token", (event) => this.append(JSON.parse(event.data)));
    source.addEventListener("heard", (event) => this.heard(JSON.parse(event.data)));
    source.addEventListener("sound", (event) => this.speak(JSON.parse(event.data)));
    source.addEventListener("documents", (event) => this.told(JSON.parse(event.data)));
    source.addEventListener("done", (event) => this.finish(event.data));
    source.addEventListener("failed", (event) => {
      const { html, message } = JSON.parse(event.data);
      this.finish(html, message);
    });
    source.addEventListener("open", () => this.say(this.text.textContent ? "Answering" : "Waiting for the answer"));
    source.addEventListener("error", () => this.interrupted());
  }

  // EventSource gives up on an HTTP error (a proxy's 502 while the server restarts): then ask again from the start.
  interrupted() {
    this.say("The connection is lost; trying again");
    if (this.source.readyState !== EventSource.CLOSED) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => {
      this.text.textContent = "";
      this.dataset.src = this.dataset.src.split("?")[0];
      this.open();
    }, RETRY_MS);
  }

  append(escaped) {
    this.say("Answering");
    follow(() => this.text.insertAdjacentHTML("beforeend", escaped));
  }

  // A spoken question gets its words as soon as they are known.
  heard(escaped) {
    const question = this.question();
    if (!question || question.querySelector(".chat-said")) return;
    const words = document.createElement("p");
    words.className = "chat-said";
    words.innerHTML = escaped;
    follow(() => question.insertBefore(words, question.querySelector(".chat-beside")));
  }

  // Whoever spoke is spoken to, from the first sentence on; typed questions get the player at the end only.
  speak(base64) {
    if (!this.question()) return;
    this.voice ??= new Voice();
    this.voice.add(base64);
    if (!this.voice.button.isConnected) this.after(this.voice.button);
  }

  question() {
    const before = this.closest("article")?.previousElementSibling;
    return before?.matches("[data-unheard]") ? before : null;
  }

  told(documents) {
    if (this.text.textContent || !documents.length) return;
    const names = [...new Set(documents.map((each) => each.document))];
    const more = names.length > 2 ? ` and ${names.length - 2} more` : "";
    this.say(`Reading ${names.slice(0, 2).join(", ")}${more}`);
  }

  say(words) {
    const place = this.progress?.querySelector("[data-progress-text]");
    if (place && place.textContent !== words) place.textContent = words;
  }

  finish(html, problem = "") {
    this.source.close();
    const article = this.closest("article");
    const question = this.question();
    if (question && !question.querySelector(".chat-said")) {
      window.htmx.ajax("GET", question.dataset.unheard, { target: question, swap: "outerHTML" });
    }
    if (!html) {
      this.progress?.remove();
      const notice = document.createElement("p");
      notice.className = "alert alert-soft alert-error";
      notice.setAttribute("role", "alert");
      notice.textContent = problem;
      article.append(notice);
      this.replaceWith(this.text);
      return;
    }
    const template = document.createElement("template");
    template.innerHTML = html;
    const finished = template.content.querySelector("article");
    follow(() => article.replaceWith(finished));
    window.htmx.process(finished);
    if (this.voice?.speaking) finished.querySelector(".chat-actions")?.append(this.voice.button);
    dressCode(finished);
    announce(problem || `Answer: ${finished.querySelector(".chat-answer")?.textContent.trim() ?? ""}`);
    const trace = finished.querySelector(".chat-trace-button");
    if (trace && document.getElementById("chat-trace-pane")?.checkVisibility()) window.htmx.ajax("GET", trace.href, { target: "#chat-trace" });
  }
}

// Code blocks get a line above them: which language it is, and a button that copies it.
const NAMES = { js: "JavaScript", javascript: "JavaScript", ts: "TypeScript", typescript: "TypeScript", py: "Python", cpp: "C++", csharp: "C#", cs: "C#", sh: "Shell", bash: "Bash", sql: "SQL", html: "HTML", css: "CSS", json: "JSON", yaml: "YAML", php: "PHP", xml: "XML" };
const named = (language) => NAMES[language.toLowerCase()] ?? language.charAt(0).toUpperCase() + language.slice(1);

export function dressCode(root) {
  for (const block of root.querySelectorAll(".chat-answer pre:not([data-dressed])")) {
    block.dataset.dressed = "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-xs btn-ghost";
    button.textContent = "Copy";
    button.dataset.copyText = block.textContent;
    button.setAttribute("aria-label", "Copy this code");
    const label = document.createElement("span");
    label.textContent = block.dataset.language ? named(block.dataset.language) : "Code";
    const head = document.createElement("div");
    head.className = "chat-code-head";
    head.append(label, button);
    const frame = document.createElement("div");
    frame.className = "chat-code";
    block.replaceWith(frame);
    frame.append(head, block);
  }
}

customElements.define("reply-stream", ReplyStream);
dressCode(document);
document.addEventListener("htmx:afterSwap", (event) => dressCode(event.detail.target));
