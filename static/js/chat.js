// The chat page: questions go out through htmx, answers come in as server-sent events.
import "./chat/composer.js";
import "./chat/dialogs.js";
import "./chat/files.js";
import "./chat/reply-stream.js";
