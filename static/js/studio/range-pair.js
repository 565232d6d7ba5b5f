// <range-pair>: a slider beside the number input that carries the value. The number may lie beyond
// the slider's end; without a script the slider is hidden and the number input alone works.
class RangePair extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.range = this.querySelector("input[type=range]");
    this.number = this.querySelector("input[type=number]");
    this.range.value = this.number.value;
    this.range.addEventListener("input", () => {
      this.number.value = this.range.value;
      this.number.setCustomValidity("");
    });
    this.range.addEventListener("change", () => this.number.dispatchEvent(new Event("change", { bubbles: true })));
    this.number.addEventListener("input", () => { this.range.value = this.number.value; });
  }
}

customElements.define("range-pair", RangePair);
