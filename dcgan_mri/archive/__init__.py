"""Generated images in an archive of medical images, by DICOMweb."""
