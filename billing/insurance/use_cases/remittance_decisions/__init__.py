"""What people decide about insurers' payments: whose a claim is, or that a payment is not for these books.

Each decision is kept with its reason. What can be posted after it is posted, and then nothing is decided but
what was set apart of it.
"""
