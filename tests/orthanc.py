"""A real Orthanc for the tests, and programs that a test cannot do without."""

import json
import shutil
import socket
import subprocess
import time

import requests

from tests.helpers import ROOT, missing

USER, PASSWORD = "tester", "secret"
# Keeps nothing with an odd number from 1001 on; Orthanc's DICOMweb plugin answers all the same that it is stored.
FILTER = """
function ReceivedInstanceFilter(dicom, origin, info)
  local number = tonumber(dicom.InstanceNumber)
  return number < 1000 or number % 2 == 0
end
"""


def needed(program, package):
    """Where a program is; without it the test is skipped, in continuous integration it fails.

    Args:
        program (str): Its name.
        package (str): Debian's package of it.

    Returns:
        str: Its path.
    """
    path = shutil.which(program)
    if path is None:
        missing(f"needs {program}: apt-get install {package}")
    return path


class Orthanc:
    """An archive of the tests' own: the demo's configuration with a free port, folders of its own, and a user.

    Args:
        folder (Path): Where its storage and index go.
    """

    def __init__(self, folder):
        self._program = needed("Orthanc", "orthanc orthanc-dicomweb")
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._root = f"http://127.0.0.1:{port}"
        self.url = f"{self._root}/dicom-web"
        settings = json.loads((ROOT / "dcgan_mri/archive/orthanc.json").read_text())
        (folder / "filter.lua").write_text(FILTER)
        (folder / "orthanc.json").write_text(json.dumps({
            **settings, "HttpPort": port, "AuthenticationEnabled": True, "RegisteredUsers": {USER: PASSWORD},
            "LuaScripts": ["filter.lua"]}))

    def start(self):
        """Start it, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, self._folder / "orthanc.json"], stdout=log, stderr=subprocess.STDOUT)
        for _ in range(600):
            try:
                return self.ask("GET", "/system")
            except requests.ConnectionError:
                assert self._process.poll() is None, (self._folder / "log").read_text()
                time.sleep(0.05)
        raise AssertionError((self._folder / "log").read_text())

    def kill(self):
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def count(self):
        """How many images it has, by its own statistics."""
        return self.ask("GET", "/statistics").json()["CountInstances"]

    def ask(self, method, path, **request):
        """Use its own interface, not DICOMweb's."""
        answer = requests.request(method, self._root + path, auth=(USER, PASSWORD), timeout=30, **request)
        answer.raise_for_status()
        return answer
