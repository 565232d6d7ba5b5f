from __future__ import annotations

from apps.connections.models import Endpoint
from tests.apps.api.conftest import Api
from tests.fakes.opea_server import FakeOpea
from tests.fakes.openai_server import FakeOpenAI

KEY = "sk-very-secret-value"


def test_key_goes_in_and_never_comes_out(api: Api, openai_server: FakeOpenAI) -> None:
    made = api.post("/connections", {"name": "fake", "base_url": openai_server.url, "api_key": KEY})
    path = f"/connections/{made.json()['id']}"
    tested = api.post(f"{path}/test")
    shown = [made, tested, api.get(path), api.get("/connections")]

    assert [answer.status_code for answer in shown] == [201, 200, 200, 200]
    assert [KEY in answer.content.decode() for answer in shown] == [False] * 4
    assert made.json()["has_key"] is True
    assert bytes(Endpoint.objects.get().secret.ciphertext).find(KEY.encode()) == -1


def test_test_finds_the_models(api: Api, openai_server: FakeOpenAI) -> None:
    made = api.post("/connections", {"name": "fake", "base_url": openai_server.url}).json()

    tested = api.post(f"/connections/{made['id']}/test").json()

    assert tested["test_result"]["outcome"] == "ok"
    assert tested["models"] != []
    assert tested["tested_at"] is not None


def test_dead_server_is_said_so(api: Api) -> None:
    made = api.post("/connections", {"name": "dead", "base_url": "http://127.0.0.1:9/v1"}).json()

    tested = api.post(f"/connections/{made['id']}/test")

    assert tested.status_code == 200
    assert tested.json()["test_result"]["outcome"] == "failed"


def test_metadata_address_is_refused(api: Api) -> None:
    answer = api.post("/connections", {"name": "meta", "base_url": "http://169.254.169.254/v1"})

    assert answer.status_code == 403
    assert answer.json()["code"] == "connections.address-refused"
    assert not Endpoint.objects.exists()


def test_change_and_delete(api: Api) -> None:
    made = api.post(
        "/connections", {"name": "vllm", "base_url": "http://127.0.0.1:9/v1", "api_key": KEY}
    ).json()
    path = f"/connections/{made['id']}"

    renamed = api.patch(path, {"title": "My vLLM"}).json()
    forgot = api.patch(path, {"forget_key": True}).json()

    assert (renamed["title"], renamed["has_key"]) == ("My vLLM", True)
    assert forgot["has_key"] is False
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_list_takes_the_same_queries_for_more_rows(api: Api, queries) -> None:
    def connect(name: str) -> None:
        api.post(
            "/connections", {"name": name, "base_url": "http://127.0.0.1:9/v1", "api_key": KEY}
        )

    connect("one")
    one = queries(lambda: api.get("/connections"))
    connect("two")
    connect("three")

    assert queries(lambda: api.get("/connections")) == one


def test_strangers_and_administrators_find_nothing(api: Api, strange_api: Api) -> None:
    made = api.post("/connections", {"name": "vllm", "base_url": "http://127.0.0.1:9/v1"}).json()
    path = f"/connections/{made['id']}"

    assert strange_api.get(path).status_code == 404
    assert strange_api.patch(path, {"title": "x"}).status_code == 404
    assert strange_api.post(f"{path}/test").status_code == 404
    assert strange_api.delete(path).status_code == 404
    assert strange_api.get("/connections").json()["count"] == 0


def test_a_service_of_opea_keeps_its_kind(api: Api) -> None:
    with FakeOpea() as opea:
        body = {"name": "guard", "base_url": opea.url, "kind": "opea"}
        made = api.post("/connections", body).json()
        tested = api.post(f"/connections/{made['id']}/test").json()

    assert (made["kind"], tested["kind"]) == ("opea", "opea")
    assert tested["test_result"]["outcome"] == "ok"
    assert api.post("/connections", body | {"name": "x", "kind": "soap"}).status_code == 400
