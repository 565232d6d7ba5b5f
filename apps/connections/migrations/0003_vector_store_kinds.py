from __future__ import annotations

from django.db import migrations, models

KINDS = [
    ("openai", "Model server (OpenAI protocol)"),
    ("opea", "OPEA microservice or TEI"),
    ("http", "Other HTTP service, for tools"),
    ("redis", "Vector store: Redis"),
    ("qdrant", "Vector store: Qdrant"),
    ("milvus", "Vector store: Milvus"),
    ("pgvector", "Vector store: PostgreSQL with pgvector"),
]


class Migration(migrations.Migration):
    dependencies = [("connections", "0002_endpoint_kind")]

    operations = [
        migrations.RemoveConstraint(model_name="endpoint", name="endpoint_kind"),
        migrations.AlterField(
            model_name="endpoint", name="base_url", field=models.CharField(max_length=300)
        ),
        migrations.AlterField(
            model_name="endpoint",
            name="kind",
            field=models.CharField(choices=KINDS, default="openai", max_length=10),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", [kind for kind, _ in KINDS])),
                name="endpoint_kind",
            ),
        ),
    ]
