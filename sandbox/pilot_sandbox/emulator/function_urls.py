"""Lambda function URLs with AuthType AWS_IAM: who is let in, and what Lambda counts.

ministack lets everything in that looks signed, tells the function of nobody, and counts nothing. Here a request's
signature is verified, its caller's policies are asked, and the caller stands in the event's context, as on AWS
("Control access to Lambda function URLs"; "Invoking Lambda function URLs", the authorizer of the request payload).
Requests are counted as "Monitoring Lambda function URLs" says. A URL is reached by its own host name, sent to the
emulator's address; a presigned URL is refused, which AWS would take.
"""

from __future__ import annotations

import contextvars
import hashlib
import json
import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from ministack.core import iam_evaluator, sigv4
from ministack.core.responses import request_scope
from ministack.services import cloudwatch, lambda_svc

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
# A new function URL wants both (since October 2025), the second one as invoked through a URL.
_ACTIONS = (
    ("lambda:InvokeFunctionUrl", {"lambda:FunctionUrlAuthType": "AWS_IAM"}),
    ("lambda:InvokeFunction", {"lambda:InvokedViaFunctionUrl": "true"}),
)

_caller: contextvars.ContextVar[iam_evaluator.ResolvedCredential | None] = contextvars.ContextVar(
    "caller", default=None
)


class Refused(Exception):
    """Lambda's 403 to a request, before the function runs."""

    def __init__(self, error_type: str, message: str | None = None) -> None:
        super().__init__(message or "Forbidden")
        self.error_type = error_type
        # Whoever is simply not let in gets a capital M; a signature's faults come with a small one.
        self.document = {"message": message} if message else {"Message": "Forbidden"}

    def answer(self) -> tuple:
        """Status, headers and body."""
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": self.error_type}
        return 403, headers, json.dumps(self.document).encode()


def install() -> None:
    """Put the shim in place."""
    serve, make_event = lambda_svc.handle_function_url_request, lambda_svc._build_function_url_event

    async def serve_whom_iam_lets_in(
        url_id: str, method: str, path: str, headers: dict, body: bytes, query_params: dict, resolved=None, **more
    ) -> tuple:
        resolved = resolved or lambda_svc.resolve_function_url(url_id)
        if resolved is None:
            return await serve(url_id, method, path, headers, body, query_params, **more)
        account_id, region, function_name, _, config = resolved
        caller = None
        try:
            if config["AuthType"] == "AWS_IAM":
                with request_scope(account_id, region):
                    caller = authenticate(method, path, headers, body, query_params, account_id, region)
                    authorize(caller, config["FunctionArn"], region)
            token = _caller.set(caller)
            try:
                answer = await serve(url_id, method, path, headers, body, query_params, resolved=resolved, **more)
            finally:
                _caller.reset(token)
        except Refused as refused:
            answer = refused.answer()
        with request_scope(account_id, region):
            _count(function_name, answer[0])
        return answer

    def make_event_of_caller(*args, **kwargs) -> dict:
        event = make_event(*args, **kwargs)
        caller = _caller.get()
        if caller is not None:
            event["requestContext"]["authorizer"] = {"iam": _identity(caller)}
        return event

    lambda_svc.handle_function_url_request = serve_whom_iam_lets_in
    lambda_svc._build_function_url_event = make_event_of_caller


def authenticate(
    method: str, path: str, headers: dict, body: bytes, query_params: dict, account_id: str, region: str
) -> iam_evaluator.ResolvedCredential:
    """Whose signature a request carries."""
    if not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
        raise Refused("AccessDeniedException")
    signature = sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple):
        raise Refused("IncompleteSignatureException", signature[1])
    if (signature.service, signature.region) != ("lambda", region):
        raise Refused(
            "InvalidSignatureException",
            f"Credential should be scoped to correct service and region: lambda in {region}",
        )
    skewed = sigv4.request_time_failure(signature)
    if skewed:
        raise Refused("InvalidSignatureException", skewed[1])
    caller = iam_evaluator.resolve_credential(
        signature.access_key_id, account_id, headers.get("x-amz-security-token", "")
    )
    if isinstance(caller, iam_evaluator.CredentialResolutionError):
        raise Refused("UnrecognizedClientException", "The security token included in the request is invalid.")
    if signature.signature != _recomputed(signature, caller, method, path, headers, body, query_params):
        raise Refused("InvalidSignatureException", _MISMATCH)
    return caller


def _recomputed(
    signature: sigv4.HeaderSignature,
    caller: iam_evaluator.ResolvedCredential,
    method: str,
    path: str,
    headers: dict,
    body: bytes,
    query_params: dict,
) -> str | None:
    """The signature that the request should carry, by botocore's own signer; None if it covers too little."""
    signed = signature.signed_headers.split(";")
    stated = headers.get("x-amz-content-sha256")
    if "host" not in signed or stated not in (None, hashlib.sha256(body).hexdigest()):
        return None
    request = AWSRequest(
        method=method,
        url=f"https://{headers['host']}{sigv4.uri_encode(path, encode_slash=False)}",
        headers={name: headers.get(name, "") for name in signed},
        params={name: values[0] for name, values in query_params.items()},
        data=body,
    )
    request.context["timestamp"] = signature.amz_date
    signer = SigV4Auth(Credentials(caller.access_key_id, caller.secret_access_key), "lambda", signature.region)
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


def authorize(caller: iam_evaluator.ResolvedCredential, function_arn: str, region: str) -> None:
    """Ask the caller's policies, and the function's, as IAM does."""
    for action, context in _ACTIONS:
        denied = iam_evaluator.enforce(
            caller.access_key_id, action, "lambda", region, resource_arn=function_arn, service_context=context
        )
        if denied:
            raise Refused("AccessDeniedException")


def _identity(caller: iam_evaluator.ResolvedCredential) -> dict:
    return {
        "accessKey": caller.access_key_id,
        "accountId": caller.account_id,
        "callerId": caller.principal_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.principal_arn,
        "userId": caller.principal_id,
    }


def _count(function_name: str, status: int) -> None:
    counts = {"UrlRequestCount": 1.0, "Url4xxCount": float(400 <= status < 500), "Url5xxCount": float(status >= 500)}
    for name, value in counts.items():
        cloudwatch._store_datum(
            "AWS/Lambda", name, {"FunctionName": function_name}, time.time(), "Count", value, None, None, None
        )
