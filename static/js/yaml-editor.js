// <yaml-editor> around a textarea: CodeMirror with completion, hover and findings in place. The textarea stays the
// form's field, so that without this script the page works as it is. The editor lives in a shadow root, where its
// style sheets are adopted ones: the content security policy allows no style elements.
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { explanation, proposals } from "./yaml/assist.js";
import { Schema } from "./yaml/schema.js";

const THEME = EditorView.theme({
  "&": { fontSize: "0.8125rem", height: "100%", color: "var(--color-base-content)", backgroundColor: "var(--color-base-100)" },
  "&.cm-focused": { outline: "2px solid color-mix(in oklab, var(--color-primary) 55%, transparent)" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.25rem" },
  ".cm-content": { caretColor: "var(--color-base-content)" },
  ".cm-cursor": { borderLeftColor: "var(--color-base-content)" },
  ".cm-gutters": { backgroundColor: "var(--color-base-200)", color: "var(--color-muted)", border: "0" },
  ".cm-activeLine": { backgroundColor: "color-mix(in oklab, var(--color-primary) 6%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "color-mix(in oklab, var(--color-primary) 24%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--color-base-100)", color: "var(--color-base-content)", border: "1px solid var(--color-line)", borderRadius: "0.375rem", boxShadow: "0 8px 24px -8px oklch(0% 0 0 / 0.3)", maxWidth: "26rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--color-primary)", color: "var(--color-primary-content)" },
  ".cm-completionDetail": { fontStyle: "normal", color: "var(--color-warning)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-about": { padding: "0.5rem 0.75rem", fontFamily: "var(--font-sans)" },
  ".cm-about code": { fontFamily: "var(--font-mono)", fontWeight: "600" },
  ".cm-about p": { margin: "0.25rem 0 0" },
  ".cm-diagnostic": { fontFamily: "var(--font-sans)", padding: "0.5rem 0.75rem" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--color-error)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--color-warning)" },
  ".cm-panels": { backgroundColor: "var(--color-base-200)", color: "var(--color-base-content)" },
  ".cm-panel input, .cm-panel button": { color: "inherit", background: "var(--color-base-100)", border: "1px solid var(--color-line)", borderRadius: "0.25rem" },
});

const COLOURS = syntaxHighlighting(HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--color-primary)" },
  { tag: [tags.string, tags.content], color: "var(--color-success)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--color-accent)" },
  { tag: tags.comment, color: "var(--color-muted)", fontStyle: "italic" },
]));

const TAB_LEAVES_MS = 3000;

class YamlEditor extends HTMLElement {
  async connectedCallback() {
    if (this.view) return;
    this.area = this.querySelector("textarea");
    const host = document.createElement("div");
    host.className = "yaml-editor-host";
    this.append(host);
    const root = host.attachShadow({ mode: "open" });
    const label = document.querySelector(`label[for="${this.area.id}"]`)?.textContent ?? "YAML";
    this.view = new EditorView({ root, parent: root, state: EditorState.create({ doc: this.area.value, extensions: this.extensions(label) }) });
    this.view.dom.style.height = "100%";
    this.dataset.ready = "";
    this.area.tabIndex = -1;
    document.addEventListener("htmx:afterSettle", () => this.mark());
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("[data-line]");
      if (!link) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      this.jump(Number(link.dataset.line), Number(link.dataset.column || 1));
    }, { capture: true });
    this.mark();
    const values = document.getElementById("yaml-values");
    const answer = await fetch(this.dataset.schema);
    if (answer.ok) this.schema = new Schema(await answer.json(), values ? JSON.parse(values.textContent) : {});
  }

  extensions(label) {
    return [
      lineNumbers(), foldGutter(), lintGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(),
      highlightActiveLine(), highlightSelectionMatches(), indentUnit.of("  "), yaml(), THEME, COLOURS,
      autocompletion({ override: [(context) => this.complete(context)], activateOnTyping: true }),
      hoverTooltip((view, position) => this.hover(position)),
      EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0", spellcheck: "false", autocapitalize: "off" }),
      // After Escape, Tab leaves the editor for a moment, so that nobody is trapped.
      EditorView.domEventObservers({ keydown: (event, view) => { if (event.key === "Escape") view.setTabFocusMode(TAB_LEAVES_MS); } }),
      keymap.of([...completionKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap, indentWithTab]),
      EditorView.updateListener.of((update) => { if (update.docChanged) this.copy(); }),
    ];
  }

  copy() {
    this.area.value = this.view.state.doc.toString();
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  complete(context) {
    if (!this.schema) return null;
    return proposals(this.schema, context.state.doc.toString(), context.pos, context.explicit);
  }

  hover(position) {
    const found = this.schema && explanation(this.schema, this.view.state.doc.toString(), position);
    if (!found) return null;
    return {
      pos: found.from,
      end: found.to,
      above: true,
      create: () => {
        const dom = document.createElement("div");
        dom.className = "cm-about";
        const title = document.createElement("code");
        title.textContent = found.title;
        dom.append(title);
        for (const text of [found.about, found.facts].filter(Boolean)) {
          const line = document.createElement("p");
          line.textContent = text;
          dom.append(line);
        }
        return { dom };
      },
    };
  }

  // The findings that the server rendered beside the editor, underlined in the text.
  mark() {
    const doc = this.view.state.doc;
    const found = [...document.querySelectorAll("#findings [data-line][data-severity]")].map((link) => {
      const line = doc.line(Math.min(doc.lines, Math.max(1, Number(link.dataset.line))));
      const from = Math.min(line.to, line.from + Math.max(0, Number(link.dataset.column || 1) - 1));
      const message = link.closest("li").querySelector("p").textContent;
      return { from, to: Math.max(from, line.to), severity: link.dataset.severity, message };
    });
    this.view.dispatch(setDiagnostics(this.view.state, found.sort((one, other) => one.from - other.from)));
  }

  jump(number, column) {
    const doc = this.view.state.doc;
    const line = doc.line(Math.min(doc.lines, Math.max(1, number)));
    const from = Math.min(line.to, line.from + column - 1);
    this.view.focus();
    this.view.dispatch({ selection: { anchor: from, head: line.to }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
  }
}

customElements.define("yaml-editor", YamlEditor);
