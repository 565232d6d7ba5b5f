"""The ready projects that people may begin with: what each is, what it needs, what comes with it.

Their texts, pictures and sounds lie in `sample_files/<id>` (those of the first in `sample_documents`) and
speak of fictional places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Need:
    """path: the part of the spec that names a connection and a model, "spec.speech.recognition"."""

    path: str
    title: str
    required: bool = True

    @property
    def key(self) -> str:
        """As forms name it: "recognition"."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Sample:
    """collection   title of the collection that its documents become; "" for none
    documents    what is indexed; files: what people may attach to a question
    starters     questions to begin with; attached: of some, the file that goes along
    """

    id: str
    application: str
    title: str
    description: str
    collection: str = ""
    needs: tuple[Need, ...] = ()
    starters: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    attached: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""

    @property
    def folder(self) -> Path:
        return FOLDER / (self.place or f"sample_files/{self.id}")

    @property
    def documents(self) -> tuple[Path, ...]:
        """None where there is no collection to put them into."""
        if not self.collection:
            return ()
        return tuple(path for path in sorted(self.folder.iterdir()) if path.name not in self.files)

    def file(self, name: str) -> Path:
        """Raises KeyError for a file that people are not offered."""
        if name not in self.files:
            raise KeyError(name)
        return self.folder / name


MODEL: Final = Need("spec.model", "A language model")
SAMPLES: Final = (
    Sample(
        id="handbook",
        application="qna",
        title="Company handbook",
        description="The sample: answers questions about the rules of a fictional company.",
        collection="Sample handbook",
        starters=(
            "How many days of leave does everybody have?",
            "What does the company pay towards lunch?",
            "How do I get a new badge?",
            "Who may work from another country, and for how long?",
        ),
        place="sample_documents",
    ),
    Sample(
        id="museum-guide",
        application="audio-chat",
        title="Museum guide to talk to",
        description="Listens to visitors of a fictional museum and reads the answer aloud.",
        collection="Sample museum",
        needs=(
            Need("spec.speech.recognition", "A speech recognition server"),
            Need("spec.speech.synthesis", "A speech synthesis server", required=False),
            Need("spec.model", "A language model", required=False),
        ),
        starters=(
            "When does the museum open?",
            "What does a ticket cost?",
            "How old is the oldest model of a ship?",
            "Is there a lift?",
        ),
        files=("opening.wav", "ticket.wav"),
        attached={
            "When does the museum open?": "opening.wav",
            "What does a ticket cost?": "ticket.wav",
        },
    ),
    Sample(
        id="picture-reader",
        application="visual-chat",
        title="Picture reader",
        description="Reads charts, plans and receipts, and answers what people ask about them.",
        needs=(Need("spec.model", "A language model that takes pictures"),),
        starters=(
            "Which month had the most visitors, and how many?",
            "What is to the left of the salt room?",
            "What was paid in total, and how?",
        ),
        files=("floor-plan.png", "receipt.png", "visitors.png"),
        attached={
            "Which month had the most visitors, and how many?": "visitors.png",
            "What is to the left of the salt room?": "floor-plan.png",
            "What was paid in total, and how?": "receipt.png",
        },
        changes={
            "spec.instruction": "Say only what can be seen in the picture, and say when it cannot be."
        },
    ),
    Sample(
        id="hotel-translator",
        application="translation",
        title="Hotel translator",
        description="Translates letters to guests into their language, times and numbers intact.",
        needs=(MODEL,),
        starters=(
            "Breakfast is served from 7:00 to 10:30 in the room with the blue door.",
            "Your taxi is waiting at the side entrance in Rope Lane.",
            "We are sorry about the cold room. Somebody comes within ten minutes.",
        ),
        files=("welcome.md",),
        changes={
            "spec.languages": {"source": "English", "target": "French"},
            "spec.instruction": "Be polite, as a good hotel is. Keep times, names and telephone numbers.",
        },
    ),
    Sample(
        id="code-helper",
        application="code-gen",
        title="Code by house rules",
        description="Writes Python as the rules of a fictional team say, and names the rule.",
        collection="Sample house rules",
        needs=(MODEL,),
        starters=(
            "A function that reads a CSV of invoices and sums them by customer",
            "A test that a negative amount is refused",
            "A function that waits for a file to appear, with a timeout",
        ),
        changes={"spec.languages.target": "Python", "spec.knowledge.retrieve.k": 4},
    ),
    Sample(
        id="script-converter",
        application="code-trans",
        title="Scripts into Python",
        description="Translates old Perl and shell scripts into Python that does the same.",
        needs=(MODEL,),
        starters=(
            'my @names = sort grep { length > 3 } split /,/, <STDIN>; print "@names\\n";',
            "find . -name '*.log' -mtime +30 -delete",
            "awk -F';' '{sum[$1]+=$2} END {for (c in sum) print c, sum[c]}' invoices.csv",
        ),
        files=("invoices.pl", "rotate.sh"),
    ),
    Sample(
        id="minutes-digest",
        application="summarizer",
        title="Minutes in short",
        description="Condenses minutes and reports. Without a model it quotes the central sentences.",
        needs=(Need("spec.model", "A language model", required=False),),
        starters=(
            "What was decided, and who does what until when?",
            "What did it cost?",
            "What did not work?",
        ),
        files=("council-minutes.md", "field-trial.txt"),
        attached={
            "What was decided, and who does what until when?": "council-minutes.md",
            "What did it cost?": "field-trial.txt",
            "What did not work?": "field-trial.txt",
        },
        changes={"spec.summary.words": 80},
    ),
)


def enclosed_with(application: str) -> dict[str, tuple[str, str]]:
    """Questions of this kind of application that a sample's file belongs to: the sample and the file's
    name. Projects made from a sample, and copies of them, find their files by the question."""
    return {
        text: (one.id, name)
        for one in SAMPLES
        if one.application == application
        for text, name in one.attached.items()
    }


def sample(sample_id: str) -> Sample:
    """Raises KeyError."""
    for one in SAMPLES:
        if one.id == sample_id:
            return one
    raise KeyError(sample_id)
