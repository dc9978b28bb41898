"""What each kind of task means, what is to be done, as docs/operating.md has it, and where it is answered."""

from __future__ import annotations

from dataclasses import dataclass

from billing.kernel.permissions import Permission
from billing.payments.records.reconciliation import ExceptionKind


@dataclass(frozen=True)
class Told:
    """`of` are the prefixes of the ids that a task of this kind may be about."""

    title: str
    advice: str
    of: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where one thing is seen, for those who may open it, by its own id or by the task's."""

    path: str
    permission: Permission
    name: str


EXCEPTIONS = {
    ExceptionKind.CHARGE: Told(
        "The processor took a payment that is not in the books",
        "Find out whose it is. Give it back in the dashboard, or book what it was.",
        ("nex",),
    ),
    ExceptionKind.REFUND: Told(
        "The processor gave money back that is not in the books",
        "Ask who refunded it, and why. Above the limit one person has it booked, and another approves.",
        ("nex",),
    ),
    ExceptionKind.DISPUTE: Told(
        "A dispute moved money that is not in the books",
        "Look the dispute up in the processor's dashboard.",
        ("nex",),
    ),
    ExceptionKind.PAYOUT: Told(
        "A payout is not in the books",
        "Look it up in the processor's dashboard and on the bank's statement.",
        ("nex",),
    ),
    ExceptionKind.MOVEMENT: Told(
        "The processor moved money that is not in the books",
        "A fee or an adjustment: look it up in the dashboard, then book what it was.",
        ("nex",),
    ),
    ExceptionKind.AMOUNT: Told(
        "The processor moved another amount than the books say",
        "Look it up in the dashboard, then book the difference as what it was.",
        ("nex",),
    ),
    ExceptionKind.MISSING: Told(
        "The books have what the processor does not",
        "Look for it in the dashboard. If it never happened, the accountant books the difference.",
        ("nex",),
    ),
    ExceptionKind.TWICE: Told(
        "The processor did one thing twice",
        "Give the second one back in the dashboard. It ends once both are in the books.",
        ("nex",),
    ),
}

TOLD: dict[str, Told] = {
    "refund-failed": Told(
        "A refund came back",
        "The money is held as credit again. Send it in another way.",
        ("ref",),
    ),
    "refund-waits": Told(
        "A refund has waited long for approval",
        "Approve or reject it: somebody else than who asked. The patient waits for the money.",
        ("ref",),
    ),
    "check-uncashed": Told(
        "Nobody cashed a refund check",
        "Ask the patient. Have the bank stop it, void it, and another one is written.",
        ("ref",),
    ),
    "check-voided": Told(
        "A refund check was voided", "The money is owed as before. Write another check.", ("ref",)
    ),
    "voided-check-paid": Told(
        "The bank paid a voided check",
        "If it gives the money back, close this. If not, settle what is owed again, or stop the other check.",
        ("ref",),
    ),
    "dispute-opened": Told("A bank disputes a payment", "Answer before the bank's last day.", ("dsp",)),
    "dispute-escalated": Told(
        "A bank that had only asked took the money",
        "What it was told before does not count: answer again before its last day.",
        ("dsp",),
    ),
    "dispute-due": Told(
        "The time to answer a bank is nearly over",
        "Draft evidence, have it approved and send it; or accept the dispute.",
        ("dsp",),
    ),
    "dispute-answer-refused": Told(
        "An answer did not reach the bank",
        "Look at the dispute. Unless it was decided, send another answer in time.",
        ("dan",),
    ),
    "dispute-sessions-unpaid": Told(
        "A lost dispute had paid for sessions to come",
        "What only this money had paid was called off by itself: tell who was to come today. Ask the patient "
        "about what still stands: paid in another way, given all the same, or called off.",
        ("dsp",),
    ),
    "dispute-exceeds-payment": Told(
        "The bank took what had gone back before",
        "So the clinic paid twice, and it is its loss (6210). Tell the bank of the refund, with its day and "
        "amount; or ask the patient for it. What the bank gives back, or a refund that comes back, makes it "
        "good by itself.",
        ("dsp",),
    ),
    "dispute-reimbursed": Told(
        "A bank took a payment that an insurer had reimbursed",
        "The patient has both. Ask the patient to pay again, or the insurer whether it wants its money back: "
        "then record its demand before that credit is used.",
        ("dsp",),
    ),
    "dispute-reversed": Told(
        "A lost dispute gave money back",
        "What had been paid twice is booked by itself. The rest stays on 1070: find out whose it is.",
        ("dsp",),
    ),
    "payout-failed": Told(
        "A payout did not arrive", "Mend the bank account in the processor's dashboard.", ("pyo",)
    ),
    "drawer-difference": Told(
        "A cash drawer is over or short",
        "Count it: somebody else than its cashier and who counted first.",
        ("drw",),
    ),
    "takeback-review": Told("A payer wants spent money back", "Bill the patient, or forgive it.", ("tkb",)),
    "privacy-review": Told(
        "A payment stood with the wrong patient",
        "See what that patient was shown: receipts, invoices, superbills.",
        ("pay",),
    ),
    "mail-refused": Told(
        "A mail address does not exist",
        "Ask the patient for the right one, then mail again.",
        ("rcp",),
    ),
    "outcome-unknown": Told(
        "The processor does not say what became of it",
        "Look it up in the processor's dashboard.",
        ("chk", "ref", "dan", "svm"),
    ),
    "choice-due": Told(
        "An insurer's money has to go back to the patient, and does not by itself",
        "No refund of it is under way, or one was refused. Ask; refund it, or record that it is kept.",
        ("crl",),
    ),
    "choice-letter": Told(
        "A patient is to be asked by post what becomes of an insurer's money",
        "Print the letter, post it in a plain envelope, then say so on its page.",
        ("clt",),
    ),
    "unclaimed-letter": Told(
        "Money shows no sign of its owner",
        "Write to the owner, then record the letter.",
        ("drm",),
    ),
    "unclaimed-due": Told(
        "Money whose owner shows no sign is the state's",
        "An accountant sets it aside, pays it to the state and records that.",
        ("drm",),
    ),
    "unclaimed-rule": Told(
        "There is no rule for a state's unclaimed property",
        "Money of people there is held. Look the state's rule up, then have it added.",
        ("nor",),
    ),
    "check-bounced": Told(
        "A check bounced, or was taken back",
        "Talk to who gave it before the next visit that it had paid. What it had paid is owed again.",
        ("pay",),
    ),
    "debit-refused": Told(
        "A bank account did not pay",
        "The invoice is owed again. Ask the payer, and send a new link.",
        ("chk",),
    ),
    "charge-not-owed": Told(
        "A card paid what was not owed any more",
        "It is held for who paid, the patient or another payer. Ask them whether to give it back.",
        ("pay",),
    ),
    "credit-kept-off": Told(
        "A card paid late, and credit meant for the same invoice is still held",
        "Another page may take its money too. Unless the patient pays there, cancel it, then use the credit.",
        ("chk",),
    ),
    "payer-denied": Told(
        "Another payer denied their part, or paid too little",
        "Appeal, or ask for the part to be ended. The patient owes no more than before.",
        ("shr",),
    ),
    "claim-rejected": Told(
        "A claim was sent back before the insurer looked at it",
        "Its page has the codes. Correct what they name, then issue and file it again.",
        ("clm",),
    ),
    "claim-denied": Told(
        "An insurer denied a claim",
        "Its page has the codes and a next step: correct it, appeal, or close it.",
        ("clm",),
    ),
    "claim-due": Told(
        "A plan soon takes a claim no more",
        "File it before the last day, which its page tells; or withdraw it.",
        ("clm",),
    ),
    "visit-priced-otherwise": Told(
        "A visit was given otherwise than it was priced",
        "The invoice stays, and no money moved. If it costs less, give the rest back from its payment. "
        "If it costs more, agree on it with the patient, then invoice it apart, or let it be.",
        ("ses",),
    ),
    "claim-amended": Told(
        "A visit was amended after its claim was issued",
        "Open the claim. If it was sent, replace it by a corrected one; if not, issue it again.",
        ("clm",),
    ),
    "claim-sent-anyway": Told(
        "A claim went out by hand though it was to stay here",
        "Its page tells what keeps it and why it was sent. Take it back, or replace it by a corrected one, "
        "when the insurer should not have it so; else close this.",
        ("clm",),
    ),
    "closed-claim-answered": Told(
        "An insurer answered a claim that was closed",
        "Read the answer on its page. Correct the claim or take it back when that is called for.",
        ("clm",),
    ),
    "superbill-amended": Told(
        "A visit was amended after its superbill was issued",
        "Issue it anew, and give the patient the new one: the insurer may have the former.",
        ("sb",),
    ),
    "papers-outdated": Told(
        "A visit's superbill or claim says another charge or payment than the books",
        "Issue its superbill anew and give it to the patient. Issue its claim anew, or, if the insurer has "
        "it, replace it by a corrected one.",
        ("ses",),
    ),
    "claim-not-allowed": Told(
        "A claim waits or is out that the plan may not be told",
        "Open the claim: it says why, such as compensation that has the visit. Withdraw one that was not "
        "sent; take back one that was. Was another payer's part entered by mistake, end the part.",
        ("clm",),
    ),
    "superbill-not-allowed": Told(
        "A superbill is out that the plan may not see any more",
        "Ask the patient what became of it. Void it when it should not be used.",
        ("sb",),
    ),
    "insurer-letter": Told(
        "A patient sent in an insurer's letter",
        "Open it. If the insurer paid the clinic, type its answer in: nothing was booked. Then close this.",
        ("ltr",),
    ),
    "remittance-parked": Told(
        "An insurer's payment waits for a person",
        "Its page says why, and what can be done: name a visit, set apart what nobody can book, say that the "
        "payee or the day is right, or set aside what is not ours.",
        ("rmt",),
    ),
    "charge-differs": Told(
        "An insurer answered another charge than was billed, or paid one again",
        "Look at the claim on its page, and whether the visit is the right one. Wrong: undo the payment, and "
        "ask the insurer to correct it. Right: ask the insurer what it means, then close this.",
        ("rmt",),
    ),
    "upload-failed": Told(
        "Payments of an insurer's file were not posted, by a fault of the program",
        "See which. Send the file again: what is posted comes out as come before. If it fails again, tell "
        "who runs the program.",
        ("rup",),
    ),
    "remittance-apart": Told(
        "Money of an insurer's payment is set apart on 2240",
        "Ask the insurer what it added or kept, then settle all of it on its page. Was it about an earlier "
        "payment that is not on file? Undo this one, and post both.",
        ("rmt",),
    ),
    **{str(kind): told for kind, told in EXCEPTIONS.items()},
}

PLACES = {
    "ref": Place("/staff/refunds/{subject}", Permission.REFUNDS_READ, "Open the refund"),
    "pay": Place("/staff/payments/{subject}", Permission.PAYMENTS_READ, "Open the patient's money"),
    "tkb": Place("/staff/takebacks/{subject}", Permission.CREDITS_READ, "Open the demand"),
    "dsp": Place("/staff/disputes/{subject}", Permission.PAYMENTS_READ, "Open the dispute"),
    "dan": Place("/staff/tasks/{task}/subject", Permission.PAYMENTS_READ, "Open the dispute"),
    "rcp": Place("/staff/receipts/{subject}", Permission.RECEIPTS_READ, "Open the receipt"),
    "shr": Place("/staff/payer-shares/{subject}", Permission.PAYERS_READ, "Open the payer's part"),
    "nex": Place("/staff/reconciliation/{subject}", Permission.PAYMENTS_READ, "Open the exception"),
    "drw": Place("/staff/cash-drawers/{subject}", Permission.PAYMENTS_READ, "Open the drawer"),
    "pyo": Place("/staff/payouts/{subject}", Permission.PAYMENTS_READ, "Open the payout"),
    "chk": Place("/staff/tasks/{task}/subject", Permission.PAYMENTS_READ, "Open what is owed"),
    "svm": Place("/staff/tasks/{task}/subject", Permission.PAYMENTS_READ, "Open the saved cards"),
    "crl": Place("/staff/credits/{subject}/refunds/new", Permission.REFUNDS_REQUEST, "Refund the credit"),
    "ses": Place("/staff/tasks/{task}/subject", Permission.PATIENTS_READ, "Open the patient"),
    "clt": Place("/staff/choice-letters/{subject}", Permission.CREDITS_WRITE, "Open the letter"),
    "clm": Place("/staff/claims/{subject}", Permission.CLAIMS_READ, "Open the claim"),
    "sb": Place("/staff/tasks/{task}/subject", Permission.SUPERBILLS_WRITE, "Open the superbill"),
    "nor": Place("/staff/unclaimed", Permission.CREDITS_READ, "Open unclaimed property"),
    "ltr": Place("/staff/letters/{subject}", Permission.CLAIMS_READ, "Open the patient's letters"),
    "rmt": Place("/staff/remittances/{subject}", Permission.REMITTANCES_READ, "Open the payment"),
    "rup": Place("/staff/remittance-uploads/{subject}", Permission.REMITTANCES_WRITE, "Open the file"),
    "drm": Place("/staff/unclaimed/{subject}", Permission.CREDITS_READ, "Open what is unclaimed"),
}
