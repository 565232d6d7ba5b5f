"""Languages that are proposed. Any name may be typed."""

from __future__ import annotations

SPOKEN = (
    "Arabic", "Bengali", "Bulgarian", "Chinese", "Croatian", "Czech", "Danish", "Dutch", "English",
    "Estonian", "Finnish", "French", "German", "Greek", "Hebrew", "Hindi", "Hungarian", "Indonesian",
    "Italian", "Japanese", "Korean", "Latvian", "Lithuanian", "Norwegian", "Persian", "Polish",
    "Portuguese", "Romanian", "Russian", "Slovak", "Slovenian", "Spanish", "Swedish", "Thai", "Turkish",
    "Ukrainian", "Vietnamese",
)  # fmt: skip
PROGRAMMING = (
    "Bash", "C", "C++", "C#", "Go", "Java", "JavaScript", "Kotlin", "PHP", "Python", "R", "Ruby",
    "Rust", "Scala", "SQL", "Swift", "TypeScript",
)  # fmt: skip
