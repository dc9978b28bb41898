from billing.kernel.errors import Conflict, Denied, Invalid, NotFound, Unavailable


class NoSuchPayment(NotFound):
    code = "no-such-payment"


class NoSuchCheckout(NotFound):
    code = "no-such-checkout"


class NoSuchCredit(NotFound):
    code = "no-such-credit"


class NoSuchRefund(NotFound):
    code = "no-such-refund"


class NoSuchDispute(NotFound):
    code = "no-such-dispute"


class NoSuchAnswer(NotFound):
    code = "no-such-answer"


class DisputeAnswered(Conflict):
    """The dispute was answered, or the bank has decided; it takes no other answer."""

    code = "dispute-answered"


class DisputeOverdue(Conflict):
    """The time in which the bank takes evidence is over."""

    code = "dispute-overdue"


class DisputeChanged(Conflict):
    """The disputed amount is not what the request was made for; look at it, then accept again."""

    code = "dispute-changed"


class FactNotOnFile(Conflict):
    """Evidence of that kind is not on file, or none was chosen; `missing` names what is not there."""

    code = "fact-not-on-file"


class AnswerNotApproved(Conflict):
    """Another person has to approve this answer before it leaves."""

    code = "answer-not-approved"


class OwnAnswer(Denied):
    """Nobody approves the answer to a dispute that they asked for themselves."""

    code = "own-answer"


class EvidenceNotDrawn(Unavailable):
    """The PDF of the packet is still being drawn; it is sent by itself when it is there."""

    code = "evidence-not-drawn"


class NoSuchDeposit(NotFound):
    code = "no-such-deposit"


class NoSuchPayLink(NotFound):
    """Unknown, expired, or mistyped: all look the same."""

    code = "no-such-pay-link"


class CheckoutStands(Conflict):
    """Another checkout of this invoice may still take money."""

    code = "checkout-stands"


class TooSmallForCard(Conflict):
    """The processor takes no card payment below 50 cents: pay at the desk.

    Credit comes off before a card only so far that it leaves that much.
    """

    code = "too-small-for-card"


class NotBookedYet(Unavailable):
    """The processor took the money and has not booked it yet; look again in a moment."""

    code = "not-booked-yet"


class NoSuchApplication(NotFound):
    code = "no-such-application"


class NoSuchReimbursement(NotFound):
    code = "no-such-reimbursement"


class NoSuchDormantCredit(NotFound):
    code = "no-such-dormant-credit"


class NoSuchPayout(NotFound):
    code = "no-such-payout"


class NotDormant(Conflict):
    """The credit is not the state's yet: too early, no letter for long enough, or a sign of the owner.

    Or no rule of the state is on file.
    """

    code = "not-dormant"


class NoSuchTakeback(NotFound):
    code = "no-such-takeback"


class TakebackKnown(Conflict):
    """The payer's demand of that number was recorded before; nothing was posted again."""

    code = "takeback-known"


class NoSuchException(NotFound):
    code = "no-such-exception"


class ExceptionEnded(Conflict):
    """The difference is not there any more, was booked before, or is of no amount of its own."""

    code = "exception-ended"


class PatientsMoney(Conflict):
    """An exception that is money of a patient's payment: it is no income, fee or loss of the clinic."""

    code = "patients-money"


class PartsDoNotAddUp(Invalid):
    """What is booked of an exception is exactly its amount."""

    code = "parts-do-not-add-up"


class NothingToForgive(Conflict):
    """Nothing of the demand is owed outside of the patient's invoices."""

    code = "nothing-to-forgive"


class OwnWriteOff(Denied):
    """Above the limit nobody forgives what they recorded themselves."""

    code = "own-write-off"


class NothingToUndo(Conflict):
    """What the invoice had taken of this credit came off it again, all or some since somebody looked."""

    code = "nothing-to-undo"


class NotMovable(Conflict):
    """The payment was given back in part, disputed or spent as credit; undo that first."""

    code = "not-movable"


class AnotherEntity(Conflict):
    """Money of one legal entity is never booked in the books of another."""

    code = "another-entity"


class AnotherPatient(Conflict):
    """Money goes to invoices of its own patient only."""

    code = "another-patient"


class PaymentDisputed(Conflict):
    """A bank disputes a payment of this patient; nothing is given back or moved until it has decided."""

    code = "payment-disputed"


class AskAPersonFirst(Conflict):
    """It is not done by itself; the sentence says whom to ask what."""

    code = "ask-a-person-first"


class NothingToApply(Conflict):
    """The patient has no credit that could be used, or the invoice owes nothing."""

    code = "nothing-to-apply"


class MoreThanAvailable(Conflict):
    """More than the credit, the payment it goes back to, or all payments of the patient still hold."""

    code = "more-than-available"


class RefundableChanged(Conflict):
    """What can go back is not what the request was made for; look at the new amount, then ask again."""

    code = "refundable-changed"


class RefundNotElected(Conflict):
    """The patient chose to have this credit taken off the next invoice; record another choice first."""

    code = "refund-not-elected"


class CheckNumberUsed(Conflict):
    """Another refund of this legal entity went out with a check of that number."""

    code = "check-number-used"


class CheckCashed(Conflict):
    """The bank paid this check, so it is not voided. If that was a mistake, take it back first."""

    code = "check-cashed"


class CheckVoided(Conflict):
    """This check was voided, and the bank paid it all the same: a task asks a person to look."""

    code = "check-voided"


class VoidedCheckPaid(Conflict):
    """The bank paid a voided check of this money; until a person looked, it does not go out again."""

    code = "voided-check-paid"


class CheckPostdated(Conflict):
    """The date on the check is still to come; no bank pays it before."""

    code = "check-postdated"


class CheckStale(Conflict):
    """The check is older than 180 days, and a bank need not pay it. Ask for a new one."""

    code = "check-stale"


class UnexplainedMoney(Conflict):
    """The processor moved money that no operation of ours asked for; a person has to look."""

    code = "unexplained-money"


class CreditNotPermitted(Denied):
    """Who takes money may not take credit off an invoice as well."""

    code = "credit-not-permitted"


class OwnRefund(Denied):
    """Nobody approves what they asked for themselves, nor repays above the limit what they recorded."""

    code = "own-refund"


class RefundTargetMissing(Conflict):
    """A refund to a card names the card payment; a check names none."""

    code = "refund-target"


class NoSuchReceipt(NotFound):
    """There is no receipt of that id, as far as you may know."""

    code = "no-such-receipt"


class MailAddressMissing(Conflict):
    """The patient has no e-mail address."""

    code = "mail-address-missing"


class MailNotSetUp(Conflict):
    """This installation sends no mail: MAIL_URL is not set."""

    code = "mail-not-set-up"


class ReceiptDoesNotStand(Conflict):
    """The payment of the receipt bounced or was moved, or the refund came back."""

    code = "receipt-does-not-stand"


class AnotherSite(Conflict):
    """A deposit holds the money of one site only; the payment named was taken at another."""

    code = "another-site"


class NotBankable(Conflict):
    """The payment named is neither cash nor a check, or it was moved or bounced."""

    code = "not-bankable"


class AlreadyBanked(Conflict):
    """The payment named was banked before, with the deposit named; nothing of this one was recorded."""

    code = "already-banked"


class BadBankingDay(Invalid):
    """Money is banked on the day of its newest receipt or later, and not in the future."""

    code = "bad-banking-day"


class NoSuchSavedMethod(NotFound):
    code = "no-such-saved-method"


class ConsentMissing(Conflict):
    """No consent to that purpose is in force: none was given, or it was taken back."""

    code = "consent-missing"


class ConsentChanged(Conflict):
    """The text was changed since it was shown; show it again, and ask again."""

    code = "consent-changed"


class NotChargeable(Conflict):
    """The saved card is removed, not saved yet, or blocked after its bank said no for good."""

    code = "not-chargeable"


class DueChanged(Conflict):
    """The invoice owes another amount than the request believed; look at it, then ask again."""

    code = "due-changed"


class BeingCharged(Conflict):
    """A charge of a saved card has no outcome yet; it is looked up by itself."""

    code = "being-charged"


class NotACheck(Conflict):
    """Only a check bounces. A card or bank account that fails is told by the processor."""

    code = "not-a-check"


class NotBounceable(Conflict):
    """Settle first what hangs on the check's money.

    Some of it is set aside for the state as unclaimed and is claimed first, or went to the state, which
    alone returns it; or another payer gave it before the part that it pays was recorded.
    """

    code = "not-bounceable"


class RefundStands(Conflict):
    """Money of this payment is being given back or was: reject the refund, or void its check, first.

    A refund that was set aside for the state is claimed before.
    """

    code = "refund-stands"
