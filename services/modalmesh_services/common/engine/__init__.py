"""One queue in front of one device: concurrent calls become batches of similar inputs. Knows no grpc.

Three stages overlap: preparing (tokenising, decoding), the device, and finishing (arrays to answers). The last stays
on the device's threads, of which there are several: one finishes while another computes.

`engine` moves work between threads, `queue` owns all that waits, `window` forms batches, `attempts` runs them whatever
happens.
"""
