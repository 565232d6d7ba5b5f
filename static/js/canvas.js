// The canvas: a React Flow island. Loaded by the canvas page, and where a version is drawn, when it is needed.
import "./canvas/palette.js";
import { mount } from "./canvas/main.jsx";

mount();
