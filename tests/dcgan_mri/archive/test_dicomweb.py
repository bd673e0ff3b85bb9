"""Archives that misbehave, by a stand-in: what each failure tells the user, and that nothing is counted too much."""

import http.server
import json
import re
import socket
import subprocess
import sys
import threading

import pytest

from dcgan_mri.archive import PASSWORD, dicomweb
from dcgan_mri.archive.__main__ import main
from tests.helpers import ROOT

UID = re.compile(rb"2\.25\.\d+")


class StandIn(http.server.BaseHTTPRequestHandler):
    """Answers as the test's `behaviour`, a function of this handler, says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802
        self.answer()

    def do_POST(self):  # noqa: N802
        self.answer()

    def answer(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.behaviour(self)

    def reply(self, status, body=b"", kind="application/dicom+json", length=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def stand_in():
    """Function that serves a behaviour, and gives its URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def serve(behaviour):
        server.behaviour = behaviour
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


class Keeper:
    """An archive in memory. What it keeps, and how it answers, is for the subclasses."""

    def __init__(self):
        self.objects = {}

    def __call__(self, handler):
        if handler.command == "POST":
            parts = handler.body.split(b"Content-Type: application/dicom\r\n\r\n")[1:]
            self.posted(handler, {UID.search(part)[0].decode(): part.split(b"\r\n--")[0] for part in parts})
        elif "PatientID" in handler.path:
            handler.reply(200, b"[]")
        else:
            self.fetched(handler, self.objects.get(handler.path.rsplit("/", 1)[1]))

    def posted(self, handler, objects):
        self.objects.update(objects)
        handler.reply(200, stow_answer(objects, ()))

    def fetched(self, handler, content):
        if content is None:
            handler.reply(404)
        else:
            handler.reply(200, b"--x\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--x--\r\n",
                          'multipart/related; type="application/dicom"; boundary=x')


def stow_answer(stored, failed):
    """The answer of STOW-RS on objects, by their UIDs."""
    def items(uids):
        return {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [uid]}} for uid in uids]}
    return json.dumps({"00081198": items(failed), "00081199": items(stored)}).encode()


def push(url, images, capsys, *options):
    """Push, which must fail with status 1, no output, and one line, which it gives."""
    with pytest.raises(SystemExit) as end:
        main(["push", str(images), "--url", url, *options])
    said = capsys.readouterr()
    line, = said.err.splitlines()
    assert (end.value.code, said.out) == (1, "")
    assert line.startswith("dcgan_mri.archive: error: ")
    return line


def test_half_a_batch_refused(stand_in, write_images, tmp_path, capsys):
    class RefusesHalf(Keeper):
        def posted(self, handler, objects):
            kept, refused = list(objects)[::2], list(objects)[1::2]
            self.objects.update((uid, objects[uid]) for uid in kept)
            handler.reply(202, stow_answer(kept, refused))

    line = push(stand_in(RefusesHalf()), write_images(tmp_path / "images", range(10)), capsys, "--batch", "4")
    assert "5 of 10 images are not stored, the first is " in line
    assert line.endswith("seed00001.dcm: the archive does not keep it; its log may say why (5 are there)")


def test_all_refused(stand_in, write_images, tmp_path, capsys):
    class RefusesAll(Keeper):
        def posted(self, handler, objects):
            handler.reply(409, stow_answer((), objects))

    line = push(stand_in(RefusesAll()), write_images(tmp_path / "images", range(3)), capsys)
    assert "3 of 3 images are not stored" in line


def test_stored_by_its_word_alone_does_not_count(stand_in, write_images, tmp_path, capsys):
    class Forgets(Keeper):
        def posted(self, handler, objects):
            handler.reply(200, stow_answer(objects, ()))

    line = push(stand_in(Forgets()), write_images(tmp_path / "images", range(3)), capsys)
    assert "3 of 3 images are not stored" in line


def test_there_but_not_acknowledged_does_not_count(stand_in, write_images, tmp_path, capsys):
    class Silent(Keeper):
        def posted(self, handler, objects):
            self.objects.update(objects)
            handler.reply(200, b"{}")

    line = push(stand_in(Silent()), write_images(tmp_path / "images", range(3)), capsys)
    assert "3 of 3 images are not stored" in line


class DiesAtSecondBatch(Keeper):
    batches = 0

    def posted(self, handler, objects):
        self.batches += 1
        if self.batches == 1:
            super().posted(handler, objects)
        else:
            self.die(handler)


class ClosesTheConnection(DiesAtSecondBatch):
    def die(self, handler):
        handler.connection.shutdown(socket.SHUT_RDWR)


class BreaksOffItsAnswer(DiesAtSecondBatch):
    def die(self, handler):
        handler.reply(200, b'{"0008', length=1000)
        handler.connection.shutdown(socket.SHUT_RDWR)


class AnswersNonsense(DiesAtSecondBatch):
    def die(self, handler):
        handler.reply(200, b"<html>welcome</html>", "text/html")


class AnswersBrokenJson(DiesAtSecondBatch):
    def die(self, handler):
        handler.reply(200, b'{"00081199": {"vr": "SQ", "Value": [7]}}')


class IsOverloaded(DiesAtSecondBatch):
    def die(self, handler):
        handler.reply(503)


class Hangs(DiesAtSecondBatch):
    def __init__(self):
        super().__init__()
        self.end = threading.Event()

    def die(self, handler):
        self.end.wait(20)


@pytest.mark.parametrize(("behaviour", "message"), [
    (ClosesTheConnection, "cannot be reached, or broke off (Remote end closed connection without response)"),
    (BreaksOffItsAnswer, "cannot be reached, or broke off (IncompleteRead(6 bytes read, 994 more expected))"),
    (AnswersNonsense, "its answer (200 OK) is not that of a DICOMweb archive; check --url"),
    (AnswersBrokenJson, "its answer (200 OK) is not that of a DICOMweb archive"),
    (IsOverloaded, "answers 503 Service Unavailable; its log may say why"),
    (Hangs, "no answer for 0.5 seconds; check the archive, or use a smaller --batch")])
def test_fails_in_the_middle(stand_in, write_images, tmp_path, capsys, monkeypatch, behaviour, message):
    monkeypatch.setattr(dicomweb, "TIMEOUT", 0.5)
    archive = behaviour()
    line = push(stand_in(archive), write_images(tmp_path / "images", range(6)), capsys, "--batch", "2")
    if behaviour is Hangs:
        archive.end.set()
    assert message in line
    assert line.endswith("; 2 of 6 images are known to be there, push again to go on")


def test_what_comes_back_is_no_image(stand_in, write_images, tmp_path, capsys):
    class Scrambles(Keeper):
        def fetched(self, handler, content):
            super().fetched(handler, content and content[500:])

    line = push(stand_in(Scrambles()), write_images(tmp_path / "images", range(3)), capsys)
    assert "is not that of a DICOMweb archive" in line
    assert "0 of 3 images are known to be there" in line


def test_no_server(write_images, tmp_path, capsys):
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        line = push(url, write_images(tmp_path / "images", range(3)), capsys)
    assert "cannot be reached, or broke off (Connection refused); check that it runs, and --url" in line


def unmarked(file):
    image = dicomweb.dcmread(file)
    image.SyntheticData = "NO"
    image.save_as(file)


@pytest.mark.parametrize(("harm", "message"), [
    (unmarked, "not marked as synthetic (SyntheticData is not YES), it may show a patient"),
    (lambda file: file.write_bytes(file.read_bytes()[:-100]), "not a whole DICOM image"),
    (lambda file: file.write_bytes(b"no DICOM"), "not a whole DICOM image"),
    (lambda file: file.write_bytes(b""), "not a whole DICOM image")])
def test_folder_with_another_file_is_refused_before_anything_is_sent(
        stand_in, write_images, tmp_path, capsys, harm, message):
    asked = []
    images = write_images(tmp_path / "images", range(3))
    harm(images / "seed00002.dcm")
    line = push(stand_in(asked.append), images, capsys)
    assert f"{images}/seed00002.dcm: {message}" in line
    assert asked == []


def test_folder_without_images(tmp_path, capsys):
    assert f"{tmp_path}: has no .dcm file" in push("http://127.0.0.1:9", tmp_path, capsys)


@pytest.mark.parametrize(("command", "message"), [
    (["push"], "the following arguments are required: DIR"),
    (["push", "x", "--batch", "0"], "--batch 0: must be at least 1"),
    (["list", "--url", "localhost:8042"], "--url localhost:8042: must begin with http:// or https://"),
    (["list", "--user", "me"], "--user me: needs the password in the environment variable DCGAN_MRI_ARCHIVE_PASSWORD")])
def test_wrong_options(command, message, capsys, monkeypatch):
    monkeypatch.delenv(PASSWORD, raising=False)
    with pytest.raises(SystemExit) as end:
        main(command)
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_without_the_extra():
    code = "import sys; sys.modules['requests'] = None; from dcgan_mri.archive.__main__ import main; main(['list'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "dcgan_mri.archive: error: the archive needs pydicom and requests; " \
                          "`pip install pydicom requests`\n"
