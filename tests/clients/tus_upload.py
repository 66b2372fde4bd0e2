"""Uploads a file by the protocol tus with a client that is not ours, over however bad a line.

Usage: tus_upload.py URL TOKEN FILE
Prints the address of the upload.
"""

import sys

from tusclient.client import TusClient

url, token, path = sys.argv[1:]
client = TusClient(url, headers={"Authorization": "Bearer " + token})
uploader = client.uploader(path, chunk_size=200_000, retries=50, retry_delay=1)
uploader.upload()
print(uploader.url)
