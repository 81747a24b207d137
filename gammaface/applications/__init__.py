"""What a set of faces is good for: audits of folders, classifiers and upscalers."""
