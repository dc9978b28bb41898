from billing.kernel.errors import Conflict, Invalid, NotFound


class NoSuchSuperbill(NotFound):
    code = "no-such-superbill"


class NoSuperbills(NotFound):
    """No present superbill is of these days, or of this patient: there is nothing to hand out."""

    code = "no-superbills"


class TooManySuperbills(Conflict):
    """More than one download holds; `count` says how many they are."""

    code = "too-many-superbills"


class NoSuchClaim(NotFound):
    code = "no-such-claim"


class ClaimKept(Conflict):
    """The plan is not to be told of the visit, or the visit was amended since: the claim is not sent so."""

    code = "claim-kept"


class SentDayWrong(Invalid):
    """A claim is sent on no day to come, nor on one before it was issued."""

    code = "sent-day-wrong"


class ClaimOutdated(ClaimKept):
    """The claim says another charge, or paid amount, than the books do: issue it anew, then send that one."""

    code = "claim-outdated"


class NoSuchRemittance(NotFound):
    code = "no-such-remittance"


class LinesChanged(Conflict):
    """The lines of the visit are others than those that were shown. Look again, then change them."""

    code = "lines-changed"


class AnswerChanged(Conflict):
    """No claim of the remittance has that id now: a look at a parked one gives its claims new ids."""

    code = "answer-changed"


class NoSuchLetter(NotFound):
    code = "no-such-letter"


class LetterNotTaken(Invalid):
    """It is no PDF, JPEG or PNG by its content, or too large; the sentence says which."""

    code = "letter-not-taken"


class NoSuchUpload(NotFound):
    """Nobody sent that file here, or another person did, or it was there for longer than a day."""

    code = "no-such-upload"


class RemittanceNotParked(Conflict):
    """It was posted or set aside meanwhile: nothing waits for a decision."""

    code = "remittance-not-parked"


class RemittanceNotKept(Conflict):
    """What the insurer sent is not here whole any more: send the file again, then decide."""

    code = "remittance-not-kept"


class PaymentDayToCome(Conflict):
    """The day of the payment is too far ahead: nobody can say yet that the money came."""

    code = "payment-day-to-come"


class AdjustmentNotSetApart(Conflict):
    """The payment has no such provider adjustment, or the books know by themselves what it is."""

    code = "adjustment-not-set-apart"


class AdjustmentsChanged(Conflict):
    """A copy came since with the adjustments of the payment in another order. Look again, then choose."""

    code = "adjustments-changed"


class NothingSetApart(Conflict):
    """Nothing of the payment is set apart any more, or the parts are not all of it."""

    code = "nothing-set-apart"


class NothingSettled(Conflict):
    """What was set apart of the payment is not settled, or not any more: nothing is there to reverse."""

    code = "nothing-settled"


class AnswerNotMatchable(Conflict):
    """The claim belongs to no visit of ours, or to one already, or the visit was not given."""

    code = "answer-not-matchable"


class PaperEobFlawed(Invalid):
    """What was typed of a paper EOB does not add up. Each flaw names its field; nothing was booked."""

    code = "paper-eob-flawed"


class RemittancePostedBefore(Conflict):
    """The same number was posted before. Say that it is another check, if it is."""

    code = "remittance-posted-before"


class DiagnosisNotChosen(Invalid):
    """Nobody named the diagnosis of this visit, nor does one stand on its papers or those of its plan."""

    code = "diagnosis-not-chosen"


class SuperbillNotPossible(Conflict):
    """Something is missing that the insurer needs; the sentence says what."""

    code = "superbill-not-possible"


class InvalidSuperbill(Invalid):
    """What is to stand on the superbill beside the facts cannot be; the field is named."""

    code = "invalid-superbill"


class DiagnosesExclude(SuperbillNotPossible):
    """Two diagnoses are never given together, unless the provider says that they are unrelated."""

    code = "diagnoses-exclude"


class UnreadableDiagnoses(Invalid):
    """The file is not as CMS publishes the codes of a year; nothing of it is taken."""

    code = "unreadable-diagnoses"


class EditionIncomplete(Conflict):
    """A file of codes lacks many of those before; nothing of it is taken unless that is asked for."""

    code = "edition-incomplete"


class OtherEditionThere(Conflict):
    """Another edition holds from that day on; nothing is put in its place unless that is asked for."""

    code = "other-edition-there"


class UnreadableCodes(Invalid):
    """The file is no code set; nothing of it is taken. Each line that is wrong is named."""

    code = "unreadable-codes"


class OtherCodesThere(Conflict):
    """Other codes hold from that day on; nothing is put in their place unless that is asked for."""

    code = "other-codes-there"


class InvalidOverride(Invalid):
    """A line cannot be billed so; each flaw names the line and says what to do."""

    code = "invalid-override"


class ClaimNotPossible(Conflict):
    """Something is missing that the insurer needs, or the insurer has it; the sentence says which."""

    code = "claim-not-possible"


class ClaimFlawed(Invalid):
    """An insurer would refuse the claim. Each flaw names the field of the claim, and says what to do."""

    code = "claim-flawed"


class AppealNotPossible(Conflict):
    """The insurer has not answered the claim, the claim has ended, or the plan is not to be asked."""

    code = "appeal-not-possible"


class NoSuchAppeal(NotFound):
    code = "no-such-appeal"


class UnreadableReasonCodes(Invalid):
    """The list of reason codes cannot be read; nothing of it is loaded."""

    code = "unreadable-reason-codes"


class UnreadableAcknowledgement(Invalid):
    """The file cannot be read to its end; nothing of it is taken."""

    code = "unreadable-acknowledgement"


class RemittanceNotUndoable(Conflict):
    """Something that came later is built on the payment; the sentence says what to do first."""

    code = "remittance-not-undoable"


class UnreadableRemittance(Invalid):
    """The file cannot be read to its end; nothing of it is posted."""

    code = "unreadable-remittance"
