"""The commented project file that a new project begins with."""

from __future__ import annotations

import json

TITLES = {
    "qna": "QnA",
    "audio-chat": "AudioChat",
    "visual-chat": "VisualChat",
    "translation": "Translation",
    "code-gen": "CodeGen",
    "code-trans": "CodeTrans",
    "summarizer": "Summarizer",
    "custom": "Custom application",
}
INSTRUCTIONS = {
    "qna": (
        "Answer from the given passages only and name them by their numbers. "
        "Say so when they are silent."
    ),
    "audio-chat": "Answer briefly; the reply is read aloud.",
    "visual-chat": "Describe only what can be seen in the picture.",
    "translation": "Translate faithfully. Keep names, numbers and formatting.",
    "code-gen": "Write correct, readable code. Explain only what is not obvious.",
    "code-trans": "Translate the code into the target language. Keep its behaviour.",
    "summarizer": "Summarise in a few sentences. Add nothing that is not in the text.",
    "custom": "Be brief and correct.",
}


def starter(
    application: str, name: str, title: str = "", connection: str = "", model: str = ""
) -> str:
    """A valid project file with a comment at every choice; its knowledge is a collection `name`.

    connection, model: who answers, and for AudioChat who listens; what is built in where they are "".
    Raises KeyError for an application that does not exist.
    """
    shown = title or name.replace("-", " ").capitalize()
    return _PROJECT.format(
        name=name,
        title=json.dumps(shown, ensure_ascii=False),
        application=application,
        application_title=TITLES[application],
        model=MODELS.get(application, MODELS["qna"]),
        connection=connection or "builtin",
        model_name=model or "extractive",
        max_tokens=LONGEST.get(application, 512),
        instruction=INSTRUCTIONS[application],
        parts=PARTS.get(application, "").format(
            name=name, listener=connection or "null", listening=model or '""'
        ),
    )


MODELS = {
    "qna": """\
  # Who answers. "builtin" quotes the best passages and needs no model; to use a language model,
  # write the name of a connection and one of its models.""",
    "visual-chat": """\
  # Who looks and answers. It needs a model that takes pictures: write the name of a connection and
  # one of its models in the place of "builtin", which cannot see.""",
    "summarizer": """\
  # Who summarises. "builtin" quotes the central sentences word for word and needs no model; to have
  # it said in other words, write the name of a connection and one of its models.""",
} | {
    application: f"""\
  # Who {does}. It needs a language model: write the name of a connection and one of its models
  # in the place of "builtin", which only quotes documents."""
    for application, does in (
        ("translation", "translates"),
        ("code-gen", "writes the code"),
        ("code-trans", "translates"),
    )
}
LONGEST = {"translation": 4096, "code-gen": 2048, "code-trans": 4096}
"""Tokens of a reply: a translation is as long as its text."""


_PROJECT = """\
# A GenAI Studio project: {application_title}. Every key that is left out has its default.
apiVersion: genai.studio/v1
kind: Project

metadata:
  name: {name}            # identifier in files and URLs: a-z, 0-9 and hyphens
  title: {title}
  description: ""

spec:
  application: {application}

{model}
  model:
    connection: {connection}
    name: {model_name}

  # How a language model chooses its words. The built-in answerer ignores these.
  parameters:
    temperature: 0.2      # 0 to 2; 0 gives the same answer every time
    top_p: 0.9            # above 0, to 1; share of the probability that is considered
    top_k: 40             # 1 to 1,000; candidates considered for each token
    max_tokens: {max_tokens:<10}# longest reply, in tokens

  instruction: {instruction}
{parts}
  # Where the exported package will run.
  deployment:
    os: debian-12         # debian-12, ubuntu-24.04, rhel-9
    location: on-prem     # on-prem, cloud, edge
    topology: single      # single or cluster
    formats: [compose]
    features:
      registration: false # may people sign up by themselves?
      api: true           # personal tokens and the OpenAI-compatible API
      uploads: true       # may users of the portal add documents?
    knowledge:
      include: index      # index (ready to answer), documents (indexed at the first start), none
    resources:            # limits of each container
      cpus: 2
      memory_mb: 2048
      replicas: 2         # web replicas of a cluster
    port: 8080
"""

_KNOWLEDGE = """
  # What the answers come from: names of collections.
  knowledge:
    collections: [{name}]
    chunk:
      size: 800           # characters per passage
      overlap: 120        # characters that neighbouring passages share
    embedding:
      connection: builtin
      name: all-minilm-l6-v2
    retrieve:
      mode: hybrid        # hybrid, dense (by meaning) or lexical (by words)
      k: 6                # passages per question
"""

_OPTIONAL_KNOWLEDGE = """
  # What the answers may come from: names of collections, none by default.
  knowledge:
    collections: []
"""

_LANGUAGES = """
  # Between which languages. People may choose others for each text.
  languages:
    source: ""            # empty: the model finds it out
    target: {target}
"""

PARTS = {
    "qna": _KNOWLEDGE,
    "audio-chat": _OPTIONAL_KNOWLEDGE
    + """
  # Who listens and who speaks. Each needs the name of a connection and one of its models.
  speech:
    recognition:
      connection: {listener:<10} # turns spoken questions into text
      name: {listening}
    synthesis:
      connection: null       # turns answers into speech; without one, answers are text
      name: ""
      voice: ""              # one of the server's voices
""",
    "translation": _LANGUAGES.replace("{target}", "German"),
    "code-gen": _OPTIONAL_KNOWLEDGE
    + """
  # The language of the code where a question names none; empty: the model chooses.
  languages:
    target: Python
""",
    "code-trans": _LANGUAGES.replace("{target}", "Python"),
    "summarizer": """
  # How a text is summarised, and about how long a summary is.
  summary:
    strategy: auto        # auto, stuff (in one go), map-reduce (in pieces) or refine (piece by piece)
    words: 150            # 10 to 5,000
""",
    "custom": """
  # The graph that answers: nodes are components of the palette, edges lead from outputs to inputs.
  # What a node does not set comes from the settings above.
  flow:
    nodes:
      - {{id: question, component: chat-input}}
      - {{id: prompt, component: prompt}}
      - {{id: llm, component: llm}}
      - {{id: answer, component: chat-output}}
    edges:
      - {{from: question.question, to: prompt.question}}
      - {{from: question.history, to: prompt.history}}
      - {{from: prompt.messages, to: llm.messages}}
      - {{from: llm.answer, to: answer.answer}}
""",
}
"""What only this kind of application has."""
