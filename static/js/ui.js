// The shell of every page: htmx, theme, dialogs, toasts, copy buttons, local times, file drop.
import htmx from "htmx.org";
import "./ui/clipboard.js";
import "./ui/current-in-view.js";
import "./ui/dialogs.js";
import "./ui/file-drop.js";
import "./ui/focus-kept.js";
import "./ui/forms.js";
import "./ui/local-time.js";
import "./ui/theme-switch.js";
import "./ui/toasts.js";

window.htmx = htmx;
