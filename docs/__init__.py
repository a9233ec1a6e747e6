"""The pages, and the code that builds a site from them: python -m docs.build"""
