"""`python -m dcgan_mri.reader_study`: the visual Turing test, from the readers' pages to what their answers say."""
