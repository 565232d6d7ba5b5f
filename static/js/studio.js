// Pages of the studio that an exported portal does not have: sliders of the wizard, the YAML editor.
import "./studio/range-pair.js";
import "./studio/code-lines.js";
import "./studio/keep-on-leave.js";
import "./studio/field-errors.js";
import "./studio/canvas-view.js";
