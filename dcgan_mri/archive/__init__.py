"""Generated images in an archive of medical images, by DICOMweb."""

PASSWORD = "DCGAN_MRI_ARCHIVE_PASSWORD"  # the environment variable that holds it
