"""Generated images as DICOM objects. README.rst says what they say of themselves and why."""
